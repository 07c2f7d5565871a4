//! Whether a regular expression can match any path: one that cannot is a rule that never holds.
//!
//! In: the compiled expression. Out: yes or no. A word boundary or the start of a line counts as met,
//! so that a no is sure.

use std::collections::HashSet;

use regex_automata::{
    nfa::thompson::{NFA, State},
    util::{look::Look, primitives::StateID},
};

/// How much of the path is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Read {
    Nothing,
    Some,
    /// `$` was passed, so that nothing may follow.
    All,
}

impl Read {
    /// Whether one of these bytes may come next: every path begins with a slash.
    fn takes(self, first: u8, last: u8) -> bool {
        match self {
            Self::Nothing => (first..=last).contains(&b'/'),
            Self::Some => true,
            Self::All => false,
        }
    }

    /// The state behind an assertion; `None`: it cannot hold here.
    fn behind(self, look: Look) -> Option<Self> {
        match (look, self) {
            (Look::Start, Self::Some | Self::All) | (Look::End, Self::Nothing) => None,
            (Look::End, Self::Some | Self::All) => Some(Self::All),
            (_, same) => Some(same),
        }
    }
}

/// Whether some path is matched by this expression, which is anchored at both ends.
pub(super) fn can_match(program: &NFA) -> bool {
    let mut open = vec![(program.start_anchored(), Read::Nothing)];
    let mut seen: HashSet<(StateID, Read)> = HashSet::new();
    while let Some((id, read)) = open.pop() {
        if !seen.insert((id, read)) {
            continue;
        }
        match program.state(id) {
            State::ByteRange { trans } => {
                open.extend(read.takes(trans.start, trans.end).then_some((trans.next, Read::Some)));
            }
            State::Sparse(all) => {
                let taken = all.transitions.iter().filter(|it| read.takes(it.start, it.end));
                open.extend(taken.map(|it| (it.next, Read::Some)));
            }
            State::Dense(all) => {
                let bytes = (u8::MIN..=u8::MAX).filter(|byte| read.takes(*byte, *byte));
                open.extend(
                    bytes.filter_map(|byte| all.matches_byte(byte)).map(|next| (next, Read::Some)),
                );
            }
            State::Look { look, next } => {
                open.extend(read.behind(*look).map(|read| (*next, read)));
            }
            State::Union { alternates } => open.extend(alternates.iter().map(|id| (*id, read))),
            State::BinaryUnion { alt1, alt2 } => open.extend([(*alt1, read), (*alt2, read)]),
            State::Capture { next, .. } => open.push((*next, read)),
            State::Fail => {}
            State::Match { .. } => {
                if read != Read::Nothing {
                    return true;
                }
            }
        }
    }
    false
}
