//! The positions of rules, from several lists in ascending order, each once.
//!
//! In: lists of positions. Out: one list, which is made only where the lists are many.

/// Lists that need no memory of their own.
const FEW: usize = 8;

/// Positions in ascending order, each once.
#[derive(Debug, Default)]
pub(in crate::policy) struct Candidates<'a> {
    few: [&'a [u32]; FEW],
    /// The number of lists that were added.
    lists: usize,
    /// The positions of further lists, in descending order once `sorted` says so.
    more: Vec<u32>,
    sorted: bool,
}

impl<'a> Candidates<'a> {
    /// Adds a list in ascending order.
    pub(in crate::policy) fn add(&mut self, list: &'a [u32]) {
        if list.is_empty() {
            return;
        }
        match self.few.get_mut(self.lists) {
            Some(free) => *free = list,
            None => {
                self.more.extend(list);
                self.sorted = false;
            }
        }
        self.lists += 1;
    }
}

impl Iterator for Candidates<'_> {
    type Item = usize;

    fn next(&mut self) -> Option<usize> {
        if self.lists == 1
            && let [only, ..] = &mut self.few
        {
            let (first, rest) = only.split_first()?;
            *only = rest;
            return usize::try_from(*first).ok();
        }
        if !self.sorted {
            self.more.sort_unstable_by(|one, other| other.cmp(one));
            self.sorted = true;
        }
        let heads = self.few.iter().filter_map(|list| list.first().copied());
        let least = heads.chain(self.more.last().copied()).min()?;
        for list in &mut self.few {
            if let [first, rest @ ..] = list
                && *first == least
            {
                *list = rest;
            }
        }
        while self.more.last() == Some(&least) {
            self.more.pop();
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
        candidates.add(&[1, 30, 40]);
        let all: Vec<usize> = candidates.collect();
        let expected: Vec<usize> = (0..10).chain(11..21).chain([30, 40]).collect();
        assert_eq!(all, expected);
        assert_eq!(Candidates::default().next(), None);
    }
}
