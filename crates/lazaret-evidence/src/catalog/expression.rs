//! The regular expressions of the catalog: anchored at both ends, blind to case, over bytes.

use regex_automata::meta::Regex;
use regex_automata::util::syntax;

/// Why a text is not an expression that the catalog takes.
#[derive(Debug, Clone, thiserror::Error)]
pub enum ExpressionError {
    /// It is no regular expression.
    #[error("`{expression}` is not a regular expression: {problem}")]
    Syntax {
        /// The expression.
        expression: String,
        /// What is wrong with it, on one line.
        problem: String,
    },
    /// It would match within a longer text.
    #[error(
        "`{expression}` is not anchored: it must start with `^`, end with `$`, and not begin and end with `.*`"
    )]
    Unanchored {
        /// The expression.
        expression: String,
    },
    /// It is a single word, which people bear as a name.
    #[error(
        "`{expression}` is a bare name, which people and other programs bear too; match a service identity"
    )]
    BareName {
        /// The expression.
        expression: String,
    },
}

/// Compiles an expression.
///
/// # Errors
/// [`ExpressionError`] unless it is anchored at both ends and more than a bare name.
pub(crate) fn compile(expression: &str) -> Result<Regex, ExpressionError> {
    let config = syntax_config();
    let parsed = syntax::parse_with(expression, &config).map_err(|error| ExpressionError::Syntax {
        expression: expression.to_owned(),
        problem: error.to_string().lines().last().unwrap_or_default().to_owned(),
    })?;
    let properties = parsed.properties();
    let anchored = properties.look_set_prefix().contains_anchor_haystack()
        && properties.look_set_suffix().contains_anchor_haystack();
    let body = expression.trim_start_matches('^').trim_end_matches('$');
    let open = |text: &str| text == ".*" || text == ".+";
    if !anchored || (open(body.get(..2).unwrap_or_default()) && ends_open(body)) {
        return Err(ExpressionError::Unanchored { expression: expression.to_owned() });
    }
    if body.bytes().all(|byte| byte.is_ascii_alphabetic()) {
        return Err(ExpressionError::BareName { expression: expression.to_owned() });
    }
    Regex::builder().syntax(config).build(expression).map_err(|error| ExpressionError::Syntax {
        expression: expression.to_owned(),
        problem: error.to_string().lines().last().unwrap_or_default().to_owned(),
    })
}

fn syntax_config() -> syntax::Config {
    syntax::Config::new().unicode(false).utf8(false).case_insensitive(true)
}

fn ends_open(body: &str) -> bool {
    body.ends_with(".*") || body.ends_with(".+")
}
