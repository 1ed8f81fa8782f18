//! What a policy looks at, and that it can look at nothing by which its evaluation could fail.

use std::str::FromStr as _;

use cedar_policy::Policy;
use cedar_policy::pst::{
    BinaryOp, Clause, EntityUID, Expr, Literal, PrincipalConstraint, Template, UnaryOp, Var,
};
use lazaret_core::{PersonRole, Relation};

use crate::standing::Standing;

/// Returns the roles and relations that a policy looks at, so that its answer depends on these, the action and the
/// affair alone; nothing where it looks at more, names a person or uses what could fail.
///
/// Cedar passes over a policy that fails, a `forbid` as well, and its validator lets arithmetic through that
/// overflows. So what may be used is listed here, and the list holds nothing that can fail.
pub(crate) fn looks(policy: &Policy) -> Option<Standing> {
    let policy = policy.to_pst().ok()?;
    let body = policy.body();
    if !is_about_anybody(body) {
        return None;
    }
    body.clauses().iter().map(|clause| looks_of(condition(clause))).collect()
}

fn is_about_anybody(body: &Template) -> bool {
    matches!(body.principal, PrincipalConstraint::Any | PrincipalConstraint::Is(_))
}

fn condition(clause: &Clause) -> &Expr {
    match clause {
        Clause::When(condition) | Clause::Unless(condition) => condition,
    }
}

#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "whatever is not listed may fail, what Cedar adds as well"
)]
fn looks_of(expression: &Expr) -> Option<Standing> {
    match expression {
        Expr::Literal(Literal::Bool(_)) | Expr::Var(Var::Action | Var::Resource) => Some(Standing::NONE),
        Expr::Literal(Literal::EntityUID(named)) => (!is_person(named)).then_some(Standing::NONE),
        Expr::GetAttr { expr, attr } => match **expr {
            Expr::Var(Var::Principal) => PersonRole::from_str(attr).ok().map(Standing::role),
            Expr::Var(Var::Context) => {
                let relation = Relation::ALL.into_iter().find(|relation| relation.as_str() == attr.as_str());
                relation.map(Standing::relation)
            }
            _ => None,
        },
        Expr::UnaryOp { op: UnaryOp::Not, expr } => looks_of(expr),
        Expr::BinaryOp {
            op:
                BinaryOp::And | BinaryOp::Or | BinaryOp::Eq | BinaryOp::NotEq | BinaryOp::In | BinaryOp::Contains,
            left,
            right,
        } => Some(looks_of(left)?.or(looks_of(right)?)),
        Expr::IfThenElse { cond, then_expr, else_expr } => {
            Some(looks_of(cond)?.or(looks_of(then_expr)?).or(looks_of(else_expr)?))
        }
        Expr::Set(members) => members.iter().map(|member| looks_of(member)).collect(),
        _ => None,
    }
}

fn is_person(named: &EntityUID) -> bool {
    named.ty.0.to_string() == "Person"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(conditions: &str, expected: Option<Standing>) {
        let policy = Policy::parse(None, format!("permit (principal, action, resource) {conditions};"));
        assert_eq!(looks(&policy.unwrap()), expected, "{conditions}");
    }

    #[test]
    fn a_policy_looks_at_what_its_conditions_name() {
        let admin = Standing::role(PersonRole::Admin);
        let author = Standing::relation(Relation::Author);
        check("", Some(Standing::NONE));
        check("when { principal.admin }", Some(admin));
        check("when { !principal.admin } unless { context.author }", Some(admin.or(author)));
        check("when { if context.author then principal.admin else true }", Some(admin.or(author)));
        check(r#"when { [Affair::"held"].contains(resource) }"#, Some(Standing::NONE));
        check(
            r#"when { action in Action::"decide" || context.author == principal.admin }"#,
            Some(admin.or(author)),
        );
    }

    #[test]
    fn what_could_fail_or_names_somebody_is_not_looked_at() {
        for condition in [
            "9223372036854775807 + 1 == 0",
            "-(-9223372036854775807 - 1) == 0",
            "2 * 3 < 7",
            "context.author && 1 + 1 == 2",
            "[1 + 1].contains(2)",
            "if principal.admin then true else 1 - 1 == 0",
            r#"principal == Person::"ada""#,
            r#"principal in Person::"ada""#,
            "principal has admin",
            r#"principal.hasTag("admin")"#,
            r#"context["auther"]"#,
            "principal.name.admin",
            r#"principal.name like "a*""#,
            "context == context",
            r#"ip("10.0.0.1").isLoopback()"#,
        ] {
            check(&format!("when {{ {condition} }}"), None);
        }
        for person in [r#"principal == Person::"ada""#, r#"principal is Person in Person::"ada""#] {
            let policy = Policy::parse(None, format!("forbid ({person}, action, resource);")).unwrap();
            assert_eq!(looks(&policy), None, "{person}");
        }
    }
}
