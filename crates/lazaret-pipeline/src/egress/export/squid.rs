//! Access lists of Squid: by the host of a request, or by the name in a greeting that Squid peeks at.

use super::barrier::{Barrier, Name, Standing};
use super::head::Head;
use super::networks::Ranges;

/// By what Squid tells a host.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum By {
    /// The host of a request or of a `CONNECT`.
    Host,
    /// The name in the TLS greeting.
    Greeting,
}

impl By {
    /// The kind of list for names, and for expressions. Addresses are never looked up.
    fn kinds(self) -> (&'static str, &'static str) {
        match self {
            Self::Host => ("dstdomain -n", "dstdom_regex -n -i"),
            Self::Greeting => ("ssl::server_name", "ssl::server_name_regex -i"),
        }
    }

    fn prefix(self) -> &'static str {
        match self {
            Self::Host => "lazaret",
            Self::Greeting => "lazaret_sni",
        }
    }

    /// What stands before the lists that must all fit.
    fn rule(self) -> &'static str {
        match self {
            Self::Host => "http_access deny",
            Self::Greeting => "ssl_bump terminate lazaret_sni_step",
        }
    }
}

/// Returns `None` where nothing that is stopped can be said.
pub(super) fn render(barrier: &Barrier, head: &Head, by: By, is_log_only: bool) -> Option<String> {
    let prefix = by.prefix();
    let mut out = head.render("#");
    match by {
        By::Host => out.push_str("# Include it before the first `http_access allow`.\n"),
        By::Greeting => {
            out.push_str(
                "# Include it after `ssl_bump peek` of the first step and before `ssl_bump splice`.\n",
            );
            out.push_str("acl lazaret_sni_step at_step SslBump2\n");
        }
    }
    // A list that never fits, so that the rule is written down in the log and stops nothing.
    let end = if is_log_only { format!(" {prefix}_noted !all") } else { String::new() };
    if is_log_only {
        out.push_str(
            "# Stops nothing: what would be stopped has the note `lazaret=would-deny` (`%note{lazaret}`).\n",
        );
        out.push_str(&format!("acl {prefix}_noted annotate_transaction lazaret=would-deny\n"));
    }
    let mut passes = Passes { prefix, written: Vec::new() };
    let mut n_rules = 0;
    for (number, region) in (1..).zip(barrier.regions()) {
        let list = format!("{prefix}_names_{number}");
        out.push_str(&names(&list, by, region.names.iter().map(|one| one.name)));
        let mut rule = format!("{} {list}", by.rule());
        if !region.except.is_empty() {
            let list = format!("{prefix}_except_{number}");
            out.push_str(&names(&list, by, region.except.iter().copied()));
            rule.push_str(&format!(" !{list}"));
        }
        rule.push_str(&passes.rule(&mut out, region.passed));
        out.push_str(&format!("{rule}{end}\n"));
        n_rules += 1;
    }
    if by == By::Host {
        for (number, (range, listed)) in (1..).zip(&barrier.addresses) {
            let Standing::Stopped(passed) = &listed.standing else { continue };
            let list = format!("{prefix}_addresses_{number}");
            out.push_str(&format!("# {}\nacl {list} dst -n {range}\n", listed.row));
            let passed = passes.rule(&mut out, passed);
            out.push_str(&format!("http_access deny {list}{passed}{end}\n"));
            n_rules += 1;
        }
    }
    (n_rules > 0).then_some(out)
}

/// Lists of networks that pass, each written once.
struct Passes<'a> {
    prefix: &'static str,
    written: Vec<&'a Ranges>,
}

impl<'a> Passes<'a> {
    /// Returns what a rule says of networks that pass, and writes their list where it is new.
    fn rule(&mut self, out: &mut String, passed: &'a Ranges) -> String {
        if passed.is_empty() {
            return String::new();
        }
        let known = self.written.iter().position(|written| *written == passed);
        let number = known.unwrap_or(self.written.len()) + 1;
        let list = format!("{}_passed_{number}", self.prefix);
        if known.is_none() {
            self.written.push(passed);
            out.extend(passed.iter().map(|range| format!("acl {list} src {range}\n")));
        }
        format!(" !{list}")
    }
}

/// Writes names as a list; expressions make it one of another kind, so that both have the list's name and any fits.
fn names<'a>(list: &str, by: By, names: impl Iterator<Item = &'a Name>) -> String {
    let (plain, expression) = by.kinds();
    let mut out = String::new();
    let mut of_expressions = Vec::new();
    let mut of_names = Vec::new();
    for name in names {
        match name {
            Name::Exact(name) => of_names.push(name.clone()),
            Name::Suffix(name) => of_names.push(format!(".{name}")),
            Name::Expression(expression) => of_expressions.push(posix(expression)),
        }
    }
    // A list has one kind. Where both are needed, a third joins them.
    let is_mixed = !of_expressions.is_empty() && !of_names.is_empty();
    let (of_plain, of_regex) = if is_mixed {
        (format!("{list}_a"), format!("{list}_b"))
    } else {
        (list.to_owned(), list.to_owned())
    };
    out.extend(of_names.iter().map(|name| format!("acl {of_plain} {plain} {name}\n")));
    out.extend(of_expressions.iter().map(|text| format!("acl {of_regex} {expression} {text}\n")));
    if is_mixed {
        out.push_str(&format!("acl {list} any-of {of_plain} {of_regex}\n"));
    }
    out
}

/// The expression as Squid's regular expressions write it, which have no groups that capture nothing.
fn posix(expression: &str) -> String {
    expression.replace("(?:", "(")
}
