//! The local socket: lines of the Squid helper, and questions of operators.
//!
//! A connection carries lines. `health` is answered with one line and `metrics` with several, the last of which is
//! `# EOF`; every other line is one of Squid's, and is answered as Squid is.

use tokio::io::{
    AsyncBufReadExt as _, AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, BufReader,
};

use crate::service::{Point, Service};
use crate::squid::{LINE_BYTES_MAX, LineFault, SquidLine, answer};

/// Answers one connection until its other end closes it, or says something that is no line.
pub(crate) async fn answer_lines(
    service: &Service,
    connection: impl AsyncRead + AsyncWrite + Unpin,
) -> std::io::Result<()> {
    let (read, mut write) = tokio::io::split(connection);
    let mut read = BufReader::with_capacity(64 << 10, read);
    let mut line = Vec::new();
    let mut answers = String::new();
    loop {
        line.clear();
        let limit = u64::try_from(LINE_BYTES_MAX).unwrap_or(u64::MAX);
        (&mut read).take(limit).read_until(b'\n', &mut line).await?;
        let Some(text) = line.strip_suffix(b"\n") else { return Ok(()) };
        answers.push_str(&answer_line(service, &String::from_utf8_lossy(text)));
        answers.push('\n');
        // Lines that came together are answered together.
        if !read.buffer().contains(&b'\n') {
            write.write_all(answers.as_bytes()).await?;
            write.flush().await?;
            answers.clear();
        }
    }
}

fn answer_line(service: &Service, line: &str) -> String {
    match line.trim() {
        "health" => return service.health(),
        "metrics" => return service.metrics() + "# EOF",
        _ => {}
    }
    match SquidLine::read(line) {
        Ok(line) => {
            let decider = service.decider();
            let decided = service.decide(&decider, Point::Squid, &line.asked());
            answer(line.channel, decider.policy(), &decided)
        }
        Err((channel, fault)) => format!("{} BH message={}", channel.unwrap_or("0"), told(fault)),
    }
}

/// Says what is wrong with a line, in one word for Squid's log.
pub(crate) fn told(fault: LineFault) -> &'static str {
    match fault {
        LineFault::NoChannel => "no-channel;set-concurrency",
        LineFault::OtherTokens => "other-format;see-the-guide",
        LineFault::OtherArgument => "unknown-argument-of-the-acl-line",
    }
}
