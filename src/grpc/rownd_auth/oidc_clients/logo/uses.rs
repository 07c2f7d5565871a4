//! The elements that `use` repeats: a small drawing can be a huge one, where parts repeat parts
//! that repeat parts.

use std::collections::HashMap;

/// The most elements of a drawing after every `use` is drawn.
const MAX_DRAWN: u64 = 200_000;
/// The place of the whole drawing among its parts.
const WHOLE: usize = 0;

/// The elements of a drawing, and which repeat which.
#[derive(Debug)]
pub(super) struct Uses {
    /// The whole drawing, and the elements with an id.
    parts: Vec<Part>,
    by_id: HashMap<String, usize>,
    /// The innermost part that each open element is in.
    open: Vec<usize>,
}

/// A part of a drawing: an element with an id, and what stands in it outside of other parts.
#[derive(Debug, Default)]
struct Part {
    /// The first element with an id has it; others with the same one count as without.
    has_begun: bool,
    elements: u64,
    /// The parts that stand in it, and those that it repeats.
    draws: Vec<usize>,
    drawn: Drawn,
}

/// The number of elements of a part, everything that it draws included.
#[derive(Debug, Clone, Copy, Default)]
enum Drawn {
    #[default]
    Unknown,
    Pending,
    Known(u64),
}

impl Default for Uses {
    fn default() -> Self {
        Self { parts: vec![Part::default()], by_id: HashMap::new(), open: Vec::new() }
    }
}

impl Uses {
    /// An element begins: its ids, and the ids of the parts that it repeats.
    pub(super) fn begin<'a>(
        &mut self,
        ids: impl Iterator<Item = &'a str>,
        repeats: impl Iterator<Item = &'a str>,
    ) {
        let mut inside = self.open.last().copied().unwrap_or(WHOLE);
        for id in ids {
            let place = self.place_of(id);
            let Some(part) = self.parts.get_mut(place).filter(|part| !part.has_begun) else {
                continue;
            };
            part.has_begun = true;
            self.draw(inside, place);
            inside = place;
        }
        for id in repeats {
            let place = self.place_of(id);
            self.draw(inside, place);
        }
        if let Some(part) = self.parts.get_mut(inside) {
            part.elements += 1;
        }
        self.open.push(inside);
    }

    /// The element that began last ends.
    pub(super) fn end(&mut self) {
        self.open.pop();
    }

    /// Whether the whole drawing, with everything that is repeated, is too large, or repeats itself.
    pub(super) fn too_many(&mut self) -> bool {
        let mut path = vec![(WHOLE, 0, 0)];
        while let Some((place, next, sum)) = path.last_mut() {
            let Some(part) = self.parts.get_mut(*place) else { return false };
            let Some(target) = part.draws.get(*next).copied() else {
                part.drawn = Drawn::Known(part.elements + *sum);
                path.pop();
                continue;
            };
            part.drawn = Drawn::Pending;
            match self.parts.get(target).map(|target| target.drawn) {
                Some(Drawn::Known(count)) => {
                    (*next, *sum) = (*next + 1, *sum + count);
                    if *sum > MAX_DRAWN {
                        return true;
                    }
                }
                Some(Drawn::Unknown) => path.push((target, 0, 0)),
                // It repeats a part that it stands in.
                Some(Drawn::Pending) => return true,
                None => *next += 1,
            }
        }
        false
    }

    fn place_of(&mut self, id: &str) -> usize {
        let next = self.parts.len();
        let place = *self.by_id.entry(id.to_owned()).or_insert(next);
        if place == next {
            self.parts.push(Part::default());
        }
        place
    }

    fn draw(&mut self, by: usize, place: usize) {
        if let Some(part) = self.parts.get_mut(by) {
            part.draws.push(place);
        }
    }
}
