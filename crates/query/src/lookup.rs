//! Lookup tables, which queries join their records with: small CSV files, held in memory.

use std::collections::HashMap;
use std::net::IpAddr;

/// A table: names of columns, and rows of as many cells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LookupTable {
    columns: Vec<String>,
    rows: Vec<Vec<String>>,
}

impl LookupTable {
    /// Short rows are filled up with empty cells; spare cells are dropped.
    pub fn new(columns: Vec<String>, mut rows: Vec<Vec<String>>) -> Self {
        for row in &mut rows {
            row.resize(columns.len(), String::new());
        }
        Self { columns, rows }
    }

    pub fn columns(&self) -> &[String] {
        &self.columns
    }

    pub fn rows(&self) -> &[Vec<String>] {
        &self.rows
    }

    /// Where a column stands.
    pub fn column(&self, name: &str) -> Option<usize> {
        self.columns.iter().position(|column| column == name)
    }

    pub(crate) fn row(&self, index: usize) -> Option<&Vec<String>> {
        self.rows.get(index)
    }
}

/// Finds rows of a table.
#[derive(Debug)]
pub(crate) enum Matcher {
    /// By the cells of these columns; the first row wins.
    Equal(HashMap<Vec<String>, usize>),
    /// By ranges of addresses: network, width, row; the narrowest wins.
    Cidr(Vec<(IpAddr, u8, usize)>),
}

impl Matcher {
    pub(crate) fn equal(table: &LookupTable, columns: &[usize]) -> Self {
        let mut rows = HashMap::with_capacity(table.rows.len());
        for (index, row) in table.rows.iter().enumerate() {
            let key = columns.iter().map(|column| row[*column].clone()).collect();
            rows.entry(key).or_insert(index);
        }
        Self::Equal(rows)
    }

    /// By the ranges in this column, or in the first that holds nothing else; `None` if there is none.
    pub(crate) fn cidr(table: &LookupTable, column: Option<usize>) -> Option<Self> {
        let column = match column {
            Some(column) => column,
            None => (0..table.columns.len()).find(|column| {
                !table.rows.is_empty() && table.rows.iter().all(|row| range(&row[*column]).is_some())
            })?,
        };
        let rows = table.rows.iter().enumerate();
        let mut ranges: Vec<(IpAddr, u8, usize)> = rows
            .filter_map(|(index, row)| range(&row[column]).map(|(network, width)| (network, width, index)))
            .collect();
        // Narrowest first; of equal ones the first row.
        ranges.sort_by_key(|(_, width, index)| (std::cmp::Reverse(*width), *index));
        Some(Self::Cidr(ranges))
    }

    pub(crate) fn find(&self, key: &[&str]) -> Option<usize> {
        match self {
            Self::Equal(rows) => {
                let key: Vec<String> = key.iter().map(|part| (*part).to_owned()).collect();
                rows.get(&key).copied()
            }
            Self::Cidr(ranges) => {
                let address: IpAddr = key.first()?.trim().parse().ok()?;
                let mut inside =
                    ranges.iter().filter(|(network, width, _)| within(address, *network, *width));
                inside.next().map(|(_, _, index)| *index)
            }
        }
    }
}

fn range(text: &str) -> Option<(IpAddr, u8)> {
    let (network, width) = text.trim().split_once('/')?;
    let network: IpAddr = network.parse().ok()?;
    let width: u8 = width.parse().ok()?;
    (width <= if network.is_ipv4() { 32 } else { 128 }).then_some((network, width))
}

fn within(address: IpAddr, network: IpAddr, width: u8) -> bool {
    let (address, network, bits) = match (address, network) {
        (IpAddr::V4(a), IpAddr::V4(n)) => (u128::from(u32::from(a)), u128::from(u32::from(n)), 32),
        (IpAddr::V6(a), IpAddr::V6(n)) => (u128::from(a), u128::from(n), 128),
        _ => return false,
    };
    let shift = |value: u128| value.checked_shr(bits - u32::from(width)).unwrap_or(0);
    shift(address) == shift(network)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_found() {
        let cells = |text: &str| text.split(',').map(str::to_owned).collect::<Vec<_>>();
        let rows = vec![
            cells("10.0.0.0/8,big"),
            cells("10.1.0.0/16,small"),
            cells("::/0,six"),
            cells("0.0.0.0/0,all"),
        ];
        let table = LookupTable::new(cells("net,name"), rows);
        let cidr = Matcher::cidr(&table, None).unwrap();
        assert_eq!(cidr.find(&["10.1.2.3"]), Some(1));
        assert_eq!(cidr.find(&["10.2.2.3"]), Some(0));
        assert_eq!(cidr.find(&["8.8.8.8"]), Some(3));
        assert_eq!(cidr.find(&["::1"]), Some(2));
        assert_eq!(cidr.find(&["x"]), None);
        let equal = Matcher::equal(&table, &[1]);
        assert_eq!(equal.find(&["small"]), Some(1));
        assert_eq!(equal.find(&["Small"]), None);
        assert!(Matcher::cidr(&LookupTable::new(cells("a"), vec![cells("x")]), None).is_none());
    }
}
