//! Motions: proposed by one, seconded by another, and two admins always left.

use lazaret_core::{PersonRole, RemarkId};
use lazaret_store::{Act, MotionId, Question};

use crate::play::{Play, identity, newcomer, person, refused};

fn propose(question: Question) -> Act {
    Act::ProposeMotion { question, remark: None }
}

fn second(motion: u64) -> Act {
    Act::SecondMotion { motion: MotionId(motion) }
}

#[test]
fn one_admin_admits_nobody() {
    let mut play = Play::new();
    let motion =
        play.act("ada", &propose(Question::AdmitPerson(newcomer("jo", &[PersonRole::Reviewer])))).unwrap();
    assert!(refused(play.act("ada", &second(motion))).contains("a person who did not propose the motion"));
    assert!(refused(play.act("cleo", &second(motion))).contains("an admin"));
    play.act("ben", &second(motion)).unwrap();
    assert!(play.person("jo").roles.contains(&PersonRole::Reviewer));
    assert!(refused(play.act("ben", &second(motion))).contains("is carried"));
}

#[test]
fn nobody_is_seconded_by_who_it_is_about() {
    let mut play = Play::new();
    let grant = Question::GrantRole { person: person("ben"), role: PersonRole::Manager };
    let motion = play.act("ada", &propose(grant)).unwrap();
    assert!(refused(play.act("ben", &second(motion))).contains("a person whom the motion is not about"));
}

#[test]
fn two_admins_are_always_left() {
    let mut play = Play::new();
    let withdraw = Question::WithdrawRole { person: person("ada"), role: PersonRole::Admin };
    assert!(refused(play.act("ben", &propose(withdraw.clone()))).contains("a store keeps two admins"));
    let grant = Question::GrantRole { person: person("finn"), role: PersonRole::Admin };
    let motion = play.act("ada", &propose(grant)).unwrap();
    play.act("ben", &second(motion)).unwrap();
    let motion = play.act("ben", &propose(withdraw)).unwrap();
    play.act("finn", &second(motion)).unwrap();
    let grant = Question::GrantRole { person: person("dov"), role: PersonRole::Manager };
    assert!(refused(play.act("ada", &propose(grant))).contains("an admin"));
    let forget = Question::Forget { person: person("ben") };
    assert!(refused(play.act("finn", &propose(forget))).contains("a store keeps two admins"));
}

#[test]
fn who_is_forgotten_can_do_nothing_more() {
    let mut play = Play::new();
    let motion = play.act("ada", &propose(Question::Forget { person: person("iris") })).unwrap();
    play.act("ben", &second(motion)).unwrap();
    let outcome = play.act("iris", &propose(Question::Forget { person: person("cleo") }));
    assert!(refused(outcome).contains("is nobody who may work with this store"));
}

#[test]
fn a_motion_lapses_and_says_nothing_new_is_refused() {
    let mut play = Play::new();
    let link = Question::LinkIdentity { person: person("cleo"), identity: identity("cleo at work") };
    let motion = play.act("ada", &propose(link)).unwrap();
    play.days_pass(14);
    assert!(refused(play.act("ben", &second(motion))).contains("is lapsed; propose it again"));
    let known = Question::LinkIdentity { person: person("cleo"), identity: identity("cleo") };
    assert!(refused(play.act("ada", &propose(known))).contains("nothing would change"));
}

#[test]
fn a_service_decides_nothing() {
    let mut play = Play::new();
    let mut service = newcomer("nightly scan", &[PersonRole::Reviewer]);
    service.service = true;
    let outcome = play.act("ada", &propose(Question::AdmitPerson(service.clone())));
    assert!(refused(outcome).contains("a service may be a steward"));
    service.roles = [PersonRole::Steward].into();
    let motion = play.act("ada", &propose(Question::AdmitPerson(service))).unwrap();
    play.act("ben", &second(motion)).unwrap();
    let grant = Question::GrantRole { person: person("nightly scan"), role: PersonRole::Manager };
    assert!(refused(play.act("ada", &propose(grant))).contains("a service may be a steward"));
}

#[test]
fn a_pseudonym_is_led_back_to_the_two_who_agreed_and_for_a_week() {
    const PSEUDONYM: &str = "p688-00112233445566778899";
    let ask = |pseudonym: &str| {
        let reason = RemarkId::to(&[5; 32], b"case C7 needs to know whom to ask");
        propose(Question::RevealCaller { pseudonym: pseudonym.to_owned(), reason })
    };
    let mut play = Play::new();
    for no_pseudonym in ["robin", "p688", "p688-robin", "pmay-00112233445566778899", "p688-0011"] {
        assert!(refused(play.act("gita", &ask(no_pseudonym))).contains("no pseudonym"), "{no_pseudonym}");
    }
    for nobody in ["cleo", "finn", "iris"] {
        assert!(refused(play.act(nobody, &ask(PSEUDONYM))).contains("a manager or an admin"), "{nobody}");
    }
    let id = play.act("gita", &ask(PSEUDONYM)).unwrap();
    assert!(refused(play.act("gita", &second(id))).contains("a person who did not propose the motion"));
    assert!(refused(play.act("dov", &second(id))).contains("a manager or an admin"));
    assert_eq!(play.motion(id).reveals(person("gita"), play.now()), None, "nobody has seconded it");
    play.act("ada", &second(id)).unwrap();
    for (name, revealed) in
        [("gita", Some(PSEUDONYM)), ("ada", Some(PSEUDONYM)), ("ben", None), ("hugo", None)]
    {
        assert_eq!(play.motion(id).reveals(person(name), play.now()), revealed, "{name}");
    }
    play.days_pass(6);
    assert_eq!(play.motion(id).reveals(person("ada"), play.now()), Some(PSEUDONYM));
    play.days_pass(1);
    assert_eq!(play.motion(id).reveals(person("ada"), play.now()), None, "the week is over");
}
