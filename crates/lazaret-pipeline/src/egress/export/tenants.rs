//! Headers by which providers keep people to the house's own accounts, as lines of a Squid that decrypts.

use lazaret_evidence::catalog::TenantRestrictionData;

use super::ExportRequest;
use super::head::Head;

/// Returns `None` where the policy lists no account that a header takes.
pub(super) fn render(request: &ExportRequest<'_>) -> Option<String> {
    let mut out = Head::of_headers(request).render("#");
    let mut n_headers = 0;
    for restriction in request.catalog.tenant_restrictions() {
        let (id, header) = (restriction.id.get_ref(), &restriction.header);
        let mut accounts: Vec<&str> = request.policy.own_accounts(&restriction.provider).collect();
        accounts.sort_unstable();
        let n_listed = accounts.len();
        accounts.retain(|account| restriction.takes(account));
        if accounts.is_empty() {
            if n_listed > 0 {
                out.push_str(&format!(
                    "# Left out, no own account of `{}` has the form that `{header}` takes: {id}.\n",
                    restriction.provider
                ));
            }
            continue;
        }
        let Some(value) = value(restriction, &accounts) else {
            out.push_str(&format!(
                "# Left out, `{header}` takes one account and the policy lists several: {id}.\n"
            ));
            continue;
        };
        n_headers += 1;
        out.push_str(&format!(
            "# {id}, known from {}, looked at on {}.\n",
            restriction.source, restriction.verified.0
        ));
        out.extend(restriction.note.iter().map(|note| format!("# {note}\n")));
        let list = format!("lazaret_tenant_{id}");
        out.extend(restriction.names.iter().map(|name| format!("acl {list} dstdomain -n {name}\n")));
        out.extend(restriction.suffixes.iter().map(|name| format!("acl {list} dstdomain -n .{name}\n")));
        // What a client says of itself is dropped, wherever it goes.
        out.push_str(&format!("request_header_access {header} deny all\n"));
        out.push_str(&format!("request_header_add {header} \"{value}\" {list}\n"));
    }
    (n_headers > 0).then_some(out)
}

fn value(restriction: &TenantRestrictionData, accounts: &[&str]) -> Option<String> {
    match (&restriction.separator, accounts) {
        (_, [one]) => Some((*one).to_owned()),
        (Some(separator), several) => Some(several.join(separator)),
        (None, _) => None,
    }
}
