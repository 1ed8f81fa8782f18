//! Numbers that look random and are the same for the same seed on every machine.

/// Throws numbers (`SplitMix64`, Steele, Lea and Flood 2014).
#[derive(Debug, Clone)]
pub struct Dice(u64);

impl Dice {
    /// Returns dice that always fall in the same way.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// Returns a number.
    pub fn throw(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// Returns a number below a bound; 0 below 0.
    pub fn below(&mut self, bound: usize) -> usize {
        let number = self.throw().checked_rem(bound as u64).unwrap_or_default();
        usize::try_from(number).unwrap_or_default()
    }

    /// Returns one of several things.
    pub fn one_of<'a, T>(&mut self, things: &'a [T]) -> &'a T {
        things.get(self.below(things.len())).expect("there is something to choose from")
    }

    /// Whether something happens that happens one time in `of`.
    pub fn is_one_in(&mut self, of: usize) -> bool {
        self.below(of) == 0
    }
}
