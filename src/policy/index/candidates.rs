//! The positions of rules, from several lists in ascending order, each once.
//!
//! In: lists of positions. Out: one list, without making it.

/// Lists that need no memory of their own.
const FEW: usize = 8;

/// Positions in ascending order, each once.
#[derive(Debug, Default)]
pub(in crate::policy) struct Candidates<'a> {
    few: [&'a [u32]; FEW],
    /// The number of lists that were added.
    lists: usize,
    many: Vec<&'a [u32]>,
    /// Positions that stand in no list, in ascending order from `next` on.
    found: Vec<u32>,
    next: usize,
}

impl<'a> Candidates<'a> {
    /// Adds a list in ascending order.
    pub(in crate::policy) fn add(&mut self, list: &'a [u32]) {
        if list.is_empty() {
            return;
        }
        match self.few.get_mut(self.lists) {
            Some(free) => *free = list,
            None => self.many.push(list),
        }
        self.lists += 1;
    }

    /// Adds positions in any order.
    pub(in crate::policy) fn add_found(&mut self, positions: impl Iterator<Item = u32>) {
        self.found.extend(positions);
        self.found.sort_unstable();
    }
}

impl Iterator for Candidates<'_> {
    type Item = usize;

    fn next(&mut self) -> Option<usize> {
        if self.lists == 1
            && self.found.is_empty()
            && let [only, ..] = &mut self.few
        {
            let (first, rest) = only.split_first()?;
            *only = rest;
            return usize::try_from(*first).ok();
        }
        let found = self.found.get(self.next).copied();
        let heads = self.few.iter().chain(&self.many).filter_map(|list| list.first().copied());
        let least = heads.chain(found).min()?;
        for list in self.few.iter_mut().chain(&mut self.many) {
            if let [first, rest @ ..] = list
                && *first == least
            {
                *list = rest;
            }
        }
        while self.found.get(self.next) == Some(&least) {
            self.next += 1;
        }
        usize::try_from(least).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::Candidates;

    #[test]
    fn positions_come_in_ascending_order_and_each_once() {
        let lists: Vec<Vec<u32>> = (0..10).map(|n| vec![n, 20 - n, 30]).collect();
        let mut candidates = Candidates::default();
        lists.iter().for_each(|list| candidates.add(list));
        candidates.add(&[]);
        candidates.add_found([40, 1, 30, 1].into_iter());
        let all: Vec<usize> = candidates.collect();
        let expected: Vec<usize> = (0..10).chain(11..21).chain([30, 40]).collect();
        assert_eq!(all, expected);
        assert_eq!(Candidates::default().next(), None);
    }
}
