//! Composite alarms that depend on themselves.

use std::collections::{BTreeMap, BTreeSet};

/// The alarms that are part of a cycle, of a graph of alarms with their children.
///
/// An alarm that merely depends on one in a cycle is not part of it: it sees that alarm's last state.
pub(crate) fn in_cycles<'a>(children: &BTreeMap<&'a str, Vec<&'a str>>) -> BTreeSet<&'a str> {
    // Alarms without a parent among the rest cannot be part of a cycle, nor can those without a child; taking both
    // away again and again leaves the cycles and what lies between two of them.
    let mut left: BTreeSet<&str> = children.keys().copied().collect();
    loop {
        let has_child = |alarm: &&str| children[*alarm].iter().any(|child| left.contains(child));
        let with_children: BTreeSet<&str> = left.iter().copied().filter(|a| has_child(a)).collect();
        let referred: BTreeSet<&str> =
            with_children.iter().flat_map(|alarm| children[alarm].iter().copied()).collect();
        let next: BTreeSet<&str> = with_children.intersection(&referred).copied().collect();
        if next.len() == left.len() {
            break;
        }
        left = next;
    }
    left.iter().copied().filter(|alarm| reaches(children, &left, alarm)).collect()
}

/// Whether an alarm can be reached from itself.
fn reaches(children: &BTreeMap<&str, Vec<&str>>, among: &BTreeSet<&str>, alarm: &str) -> bool {
    let mut seen = BTreeSet::new();
    let mut open = vec![alarm];
    while let Some(at) = open.pop() {
        for child in children[at].iter().filter(|child| among.contains(**child)) {
            if *child == alarm {
                return true;
            }
            if seen.insert(*child) {
                open.push(child);
            }
        }
    }
    false
}
