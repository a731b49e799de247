//! `unnest list into name` and `expand field`: one record per element.

use super::parser::Parser;
use super::planner::Planner;
use crate::plan::{Explode, Stage};
use crate::text::{QueryError, Span};

pub(super) struct Unnest {
    list: (String, Span),
    into: String,
}

impl Unnest {
    pub(super) fn read(parser: &mut Parser<'_>) -> Result<Self, QueryError> {
        let list = parser.name()?;
        if !parser.keyword("into")? {
            return Err(parser.unexpected()?);
        }
        Ok(Self { list, into: parser.name()?.0 })
    }

    pub(super) fn plan(self, planner: &mut Planner<'_>) -> Result<(), QueryError> {
        let list = planner.field(&self.list.0, self.list.1)?;
        planner.push(Stage::Explode(Explode { list, into: self.into.clone(), in_place: false }))?;
        planner.show_made([self.into]);
        Ok(())
    }
}

pub(super) struct Expand {
    field: (String, Span),
}

impl Expand {
    pub(super) fn read(parser: &mut Parser<'_>) -> Result<Self, QueryError> {
        Ok(Self { field: parser.name()? })
    }

    pub(super) fn plan(self, planner: &mut Planner<'_>) -> Result<(), QueryError> {
        let (name, span) = self.field;
        let list = planner.field(&name, span)?;
        // AWS: the result of split() is not expanded (observed).
        if planner.is_split(&name) {
            return Ok(());
        }
        planner.push(Stage::Explode(Explode { list, into: name, in_place: true }))
    }
}

#[cfg(test)]
mod tests {
    use crate::insights::tests::{error, plan};

    #[test]
    fn lists_become_records() {
        assert_eq!(
            plan("fields jsonParse(@message) as j | unnest j.tags into t | display t"),
            "extend j=(JsonParse @message)\nunnest j.tags -> t\nevents t"
        );
        assert_eq!(plan("expand tags | display tags"), "expand tags -> tags\nevents tags");
        assert_eq!(plan("fields split(a, ',') as l | expand l"), "extend l=(Split a \",\")\nevents l");
        assert!(error("unnest a").contains("unexpected end"));
    }
}
