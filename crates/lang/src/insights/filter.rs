//! `filter expr`, `where expr`: keeps records for which the expression is true.

use super::expression::{Node, expression};
use super::parser::Parser;
use super::planner::Planner;
use crate::plan::Stage;
use crate::text::QueryError;

pub(super) struct Filter {
    condition: Node,
}

impl Filter {
    pub(super) fn read(parser: &mut Parser<'_>) -> Result<Self, QueryError> {
        Ok(Self { condition: expression(parser)? })
    }

    pub(super) fn plan(self, planner: &mut Planner<'_>) -> Result<(), QueryError> {
        let condition = planner.expr(&self.condition)?;
        planner.push(Stage::Filter(condition))
    }
}

#[cfg(test)]
mod tests {
    use crate::insights::tests::{error, plan};

    fn filter(condition: &str) -> String {
        let plan = plan(&format!("filter {condition}"));
        plan.trim_start_matches("filter ").lines().next().unwrap_or_default().to_owned()
    }

    #[test]
    fn precedence() {
        assert_eq!(filter("a = 1 and b = 2 or c = 3"), "(or (and (= a 1) (= b 2)) (= c 3))");
        assert_eq!(filter("a = 1 and (b = 2 or c = 3)"), "(and (= a 1) (or (= b 2) (= c 3)))");
        assert_eq!(filter("not a = 1 and b"), "(and (not (= a 1)) b)");
        assert_eq!(filter("!ispresent(u)"), "(not (IsPresent u))");
        assert_eq!(filter("a + 2 * -b ^ 2 ^ c > 1"), "(> (+ a (* 2 (- (^ b (^ 2 c))))) 1)");
        assert_eq!(filter("a - b - c = 1 / 2 / 3"), "(= (- (- a b) c) (/ (/ 1 2) 3))");
    }

    #[test]
    fn like_in_and_regular_expressions() {
        assert_eq!(filter("a like 'x%'"), r#"(like a "x%")"#);
        assert_eq!(filter(r"a LIKE /x\/\d/"), r"(like a /x/\d/)");
        assert_eq!(filter("a =~ /(?i)x/"), "(like a /(?i)x/)");
        assert_eq!(filter("a not like 'x'"), r#"(not (like a "x"))"#);
        assert_eq!(filter("a in [1, -2, 'b', true]"), r#"(in a [1, -2, "b", true])"#);
        assert_eq!(filter("a not in []"), "(not-in a [])");
    }

    #[test]
    fn errors_name_the_place() {
        assert_eq!(error("filter"), "6..6 unexpected end of query");
        assert_eq!(error("filter a ="), "10..10 unexpected end of query");
        assert_eq!(error("filter a = 1 = 2"), "13..14 unexpected symbol found = at line 1 and position 13");
        assert!(error("filter a like /(/").starts_with("14..17 invalid regular expression"));
        assert_eq!(error("filter é = ~"), "11..12 unexpected symbol found ~ at line 1 and position 11");
        assert!(
            plan("filter u in (SOURCE 'g' | fields k)")
                .starts_with("filter (in u #0(source [\"g\"] | events k))\n")
        );
        assert!(error("filter u in (fields k)").starts_with("13..19 unexpected symbol found fields"));
        assert_eq!(error("filter foo(1)"), "7..10 unknown function 'foo'");
        assert_eq!(error("filter abs(1, 2) > 1"), "7..16 the function 'abs' takes 1 arguments, not 2");
    }

    #[test]
    fn depth_is_limited_and_long_chains_are_not_deep() {
        let deep = format!("filter {}a{}", "(".repeat(500), ")".repeat(500));
        assert!(error(&deep).contains("nested deeper"));
        let deep = format!("filter {}a", "not ".repeat(500));
        assert!(error(&deep).contains("nested deeper"));
        let long = format!("filter a{}", " or a".repeat(1900));
        assert!(plan(&long).starts_with("filter (or (or (or"));
        let long = format!("filter a{}", "+a".repeat(200));
        assert!(error(&long).contains("operators in a row"));
    }
}
