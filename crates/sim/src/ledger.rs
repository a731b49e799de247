//! What a client was told, against what a server has: every acknowledged record exactly once, every other
//! attempted record at most once, and nothing that was never sent.

use std::collections::HashMap;

/// Attempts and acknowledgements of uniquely named records.
#[derive(Debug, Default)]
pub struct Ledger {
    records: HashMap<String, bool>,
}

impl Ledger {
    /// Must be called before the record is sent.
    pub fn attempt(&mut self, name: &str) {
        let previous = self.records.insert(name.to_owned(), false);
        assert!(previous.is_none(), "{name} is sent twice");
    }

    /// The server acknowledged the record.
    pub fn acknowledge(&mut self, name: &str) {
        *self.records.get_mut(name).expect("attempted before") = true;
    }

    pub fn acknowledged(&self) -> impl Iterator<Item = &str> {
        self.records.iter().filter(|(_, acknowledged)| **acknowledged).map(|(name, _)| name.as_str())
    }

    pub fn len(&self) -> usize {
        self.records.len()
    }

    pub fn is_empty(&self) -> bool {
        self.records.is_empty()
    }

    /// Compares with the names a server returned; `Err` says what is wrong.
    pub fn verify<'a>(&self, found: impl IntoIterator<Item = &'a str>) -> Result<(), String> {
        let mut counts: HashMap<&str, u32> = HashMap::new();
        for name in found {
            *counts.entry(name).or_default() += 1;
        }
        let mut wrong = Vec::new();
        for (name, count) in &counts {
            match self.records.get(*name) {
                None => wrong.push(format!("{name} was never sent")),
                Some(_) if *count > 1 => wrong.push(format!("{name} is there {count} times")),
                Some(_) => {}
            }
        }
        wrong.extend(
            self.acknowledged()
                .filter(|name| !counts.contains_key(name))
                .map(|name| format!("{name} is lost")),
        );
        wrong.sort();
        match wrong.len() {
            0 => Ok(()),
            n => Err(format!("{n} of {} records: {}", self.records.len(), wrong[..n.min(10)].join("; "))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn notices_loss_repetition_and_invention() {
        let mut ledger = Ledger::default();
        for name in ["a", "b", "c"] {
            ledger.attempt(name);
        }
        ledger.acknowledge("a");
        assert_eq!(ledger.verify(["a"]), Ok(()));
        assert_eq!(ledger.verify(["a", "c"]), Ok(()));
        assert!(ledger.verify(["b"]).unwrap_err().contains("a is lost"));
        assert!(ledger.verify(["a", "a"]).unwrap_err().contains("2 times"));
        assert!(ledger.verify(["a", "x"]).unwrap_err().contains("never sent"));
    }
}
