//! Files of keys, good and bad.

use super::*;

#[test]
fn a_key_is_written_as_age_keygen_does_and_read_again() {
    let key = Identities::generate();
    let text = key.to_text("2026-03-01T08:30:00.5Z".parse().unwrap());
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines.len(), 3);
    assert_eq!(lines[0], "# created: 2026-03-01T08:30:00Z");
    assert_eq!(lines[1], format!("# public key: {}", key.recipients().to_text().trim()));
    assert!(lines[2].starts_with("AGE-SECRET-KEY-1") && lines[2].len() == 74);
    assert_eq!(Identities::parse(&text).unwrap().recipients(), key.recipients());
}

#[test]
fn a_key_shows_itself_nowhere() {
    let key = Identities::generate();
    let text = key.to_text(Timestamp::UNIX_EPOCH);
    let secret = text.lines().last().unwrap();
    assert!(!format!("{key:?}").contains(secret));
    for error in
        [Recipients::parse(&text).unwrap_err(), Identities::parse(&text.replace('1', "2")).unwrap_err()]
    {
        let shown = format!("{error} {error:?}").to_uppercase();
        assert!(
            !secret.as_bytes().windows(20).skip(16).any(|part| shown.contains(str::from_utf8(part).unwrap()))
        );
    }
}

#[test]
fn secret_keys_are_no_recipients() {
    let key = Identities::generate().to_text(Timestamp::UNIX_EPOCH);
    let secret = key.lines().last().unwrap();
    let public = Identities::generate().recipients().to_text();
    for hidden in [
        format!("{public}{secret}\n"),
        format!("{public}  {}", secret.to_lowercase()),
        format!("\nkey={secret}"),
        format!("{public}AGE-PLUGIN-ACME-1QQQ"),
        format!("{public}-----BEGIN OPENSSH PRIVATE KEY-----"),
    ] {
        assert_eq!(Recipients::parse(&hidden), Err(VaultKeyError::SecretAmongPublic { line: 2 }));
    }
}

#[test]
fn lists_are_understood_in_full_or_refused() {
    let one = Identities::generate().recipients().to_text();
    let two = Identities::generate().recipients().to_text();
    let list = format!("# for review\r\n\n  {one}{two}# twice\n{one}");
    assert_eq!(Recipients::parse(&list).unwrap().to_text(), format!("{one}{two}"));
    let altered = one.replace("age1", "age1q");
    for (text, error) in [
        (String::new(), VaultKeyError::Empty),
        ("# none\n".to_owned(), VaultKeyError::Empty),
        (format!("{one}ssh-ed25519 AAAA reviewer@acme.example"), VaultKeyError::NotARecipient { line: 2 }),
        (format!("{one}{altered}"), VaultKeyError::NotARecipient { line: 2 }),
    ] {
        assert_eq!(Recipients::parse(&text).unwrap_err(), error, "{text}");
    }
    assert_eq!(Identities::parse(&one).unwrap_err(), VaultKeyError::PublicAmongSecret { line: 1 });
    assert_eq!(Identities::parse("# x\nswordfish").unwrap_err(), VaultKeyError::NotAnIdentity { line: 2 });
    assert_eq!(Identities::parse("").unwrap_err(), VaultKeyError::Empty);
    let many: String = (0..=KEYS_MAX).map(|_| Identities::generate().recipients().to_text()).collect();
    assert_eq!(Recipients::parse(&many), Err(VaultKeyError::TooMany { keys_max: KEYS_MAX }));
}
