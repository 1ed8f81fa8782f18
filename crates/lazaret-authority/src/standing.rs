//! How a person stands to an affair, as bits: the roles held, then the relations.

use std::collections::BTreeSet;

use lazaret_core::{Action, Affair, Ask, PersonRole, Relation};

/// Roles and relations, a bit each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Standing(u16);

impl Standing {
    /// Neither roles nor relations.
    pub(crate) const NONE: Self = Self(0);

    /// That of the person who asks.
    pub(crate) fn of(ask: &Ask) -> Self {
        let roles = ask.roles.iter().map(|&role| Self::role(role));
        roles.chain(ask.relations.iter().map(|&relation| Self::relation(relation))).collect()
    }

    /// One role.
    pub(crate) const fn role(role: PersonRole) -> Self {
        Self(1 << role as usize)
    }

    /// One relation.
    pub(crate) const fn relation(relation: Relation) -> Self {
        Self(1 << (PersonRole::ALL.len() + relation as usize))
    }

    /// Whether everything in `other` is in this one.
    pub(crate) const fn has(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// What is in either.
    pub(crate) const fn or(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// How many roles and relations.
    pub(crate) const fn count(self) -> u32 {
        self.0.count_ones()
    }

    /// Every part of this one, from nothing to the whole.
    pub(crate) fn parts(self) -> impl Iterator<Item = Self> {
        let next = move |part: &u16| Some(part.wrapping_sub(self.0) & self.0).filter(|&next| next != 0);
        std::iter::successors(Some(0), next).map(Self)
    }

    /// The place of this one among the [parts](Self::parts) of `whole`, looking at nothing else.
    pub(crate) fn place_in(self, whole: Self) -> usize {
        let (mut place, mut weight, mut left) = (0, 1, whole.0);
        while left != 0 {
            let lowest = left & left.wrapping_neg();
            if self.0 & lowest != 0 {
                place += weight;
            }
            weight <<= 1;
            left ^= lowest;
        }
        place
    }

    /// The question of a person who stands like this.
    pub(crate) fn asks(self, action: Action, affair: Affair) -> Ask {
        let relations = Relation::ALL.into_iter().filter(|&relation| self.has(Self::relation(relation)));
        Ask { action, affair, roles: self.roles(), relations: relations.collect() }
    }

    /// The roles alone.
    pub(crate) fn roles(self) -> BTreeSet<PersonRole> {
        PersonRole::ALL.into_iter().filter(|&role| self.has(Self::role(role))).collect()
    }
}

impl FromIterator<Self> for Standing {
    fn from_iter<I: IntoIterator<Item = Self>>(parts: I) -> Self {
        parts.into_iter().fold(Self::NONE, Self::or)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_role_and_every_relation_has_its_own_bit() {
        let all = Standing(0b1_1111_1111_1111);
        assert_eq!(all.count(), 13);
        let ask = all.asks(Action::ClaimCase, Affair::Held);
        assert_eq!((ask.roles.len(), ask.relations.len()), (6, 7));
        assert_eq!(Standing::of(&ask), all);
    }

    #[test]
    fn parts_come_in_the_order_of_their_places() {
        let whole = Standing::role(PersonRole::Auditor)
            .or(Standing::relation(Relation::Author))
            .or(Standing::relation(Relation::Claimant));
        let parts: Vec<Standing> = whole.parts().collect();
        assert_eq!(parts.len(), 8);
        for (place, part) in parts.iter().enumerate() {
            assert_eq!(part.place_in(whole), place);
            assert_eq!(part.or(Standing::role(PersonRole::Admin)).place_in(whole), place);
        }
        assert_eq!(Standing::NONE.parts().count(), 1);
    }
}
