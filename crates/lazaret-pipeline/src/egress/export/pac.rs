//! A file by which browsers choose their proxy: what is stopped goes to the proxy that decides, all else where it went.

use std::net::Ipv4Addr;

use super::barrier::{Barrier, Name, Standing};
use super::head::Head;

/// What the file does with a host: the most specific name says. It keeps to the language of 1999, as readers of such
/// files do.
const BODY: &str = r#"  function has(list, key) { return Object.prototype.hasOwnProperty.call(list, key); }
  function way(stopped) { return stopped ? proxy : otherwise; }
  host = host.toLowerCase().replace(/\.$/, "");
  if (/^[0-9]+\.[0-9]+\.[0-9]+\.[0-9]+$/.test(host)) {
    for (var a = 0; a < addresses.length; a++) {
      if (isInNet(host, addresses[a][0], addresses[a][1])) return proxy;
    }
    return otherwise;
  }
  if (has(exact, host)) return way(exact[host]);
  for (var e = 0; e < expressions.length; e++) {
    if (expressions[e][0].test(host)) return way(expressions[e][1]);
  }
  for (var name = host; ; name = name.substring(name.indexOf(".") + 1)) {
    if (has(suffix, name)) return way(suffix[name]);
    if (name.indexOf(".") < 0) return otherwise;
  }
}
"#;

/// Returns whether a text is what a browser takes for a list of proxies; it is put into a program.
pub(super) fn is_list_of_proxies(text: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || b" .:;-_[]".contains(&byte);
    !text.trim().is_empty() && text.bytes().all(fits)
}

pub(super) fn render(barrier: &Barrier, head: &Head, proxy: &str, otherwise: &str) -> String {
    let mut exact = Vec::new();
    let mut suffix = Vec::new();
    let mut expressions = Vec::new();
    for (name, listed) in &barrier.names {
        let stopped = u8::from(listed.standing != Standing::Open);
        match name {
            Name::Exact(name) => exact.push(format!("\"{name}\": {stopped}")),
            Name::Suffix(name) => suffix.push(format!("\"{name}\": {stopped}")),
            Name::Expression(expression) => {
                let line = format!("[/{}/, {stopped}]", expression.replace('/', "\\/"));
                let tail = lazaret_evidence::endpoints::literal_tail(expression).unwrap_or_default();
                expressions.push((
                    std::cmp::Reverse(tail.matches('.').count()),
                    std::cmp::Reverse(stopped),
                    line,
                ));
            }
        }
    }
    // The deepest first; among equals, what is stopped.
    expressions.sort();
    let expressions: Vec<String> = expressions.into_iter().map(|(_, _, line)| line).collect();
    let addresses: Vec<String> = barrier
        .addresses
        .keys()
        .filter(|range| range.address.is_ipv4())
        .map(|range| {
            let mask = u32::MAX.checked_shl(32 - u32::from(range.prefix)).unwrap_or(0);
            format!("[\"{}\", \"{}\"]", range.address, Ipv4Addr::from_bits(mask))
        })
        .collect();
    let mut out = head.render("//");
    out.push_str("function FindProxyForURL(url, host) {\n");
    out.push_str(&format!("  var proxy = \"{proxy}\";\n  var otherwise = \"{otherwise}\";\n"));
    for (list, open, lines, close) in [
        ("exact", '{', &exact, '}'),
        ("expressions", '[', &expressions, ']'),
        ("suffix", '{', &suffix, '}'),
        ("addresses", '[', &addresses, ']'),
    ] {
        let lines: Vec<String> = lines.iter().map(|line| format!("\n    {line}")).collect();
        out.push_str(&format!("  var {list} = {open}{}\n  {close};\n", lines.join(",")));
    }
    out.push_str(BODY);
    out
}
