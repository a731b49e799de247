//! Text → [`Rule`].

use super::{Count, DEPTH_MAX, ELEMENTS_MAX, Rule, RuleError};
use crate::alarm::record::StateValue;

/// Reads a whole rule.
pub(crate) fn parse(text: &str) -> Result<Rule, RuleError> {
    let mut parser = Parser { chars: text.chars().collect(), at: 0, elements: 0, depth: 0 };
    let rule = parser.or()?;
    parser.blanks();
    match parser.peek() {
        None => Ok(rule),
        Some(c) => Err(parser.error(format!("Unexpected '{c}'"))),
    }
}

struct Parser {
    chars: Vec<char>,
    at: usize,
    elements: usize,
    depth: usize,
}

/// Ends a bare reference or a keyword.
fn is_delimiter(c: char) -> bool {
    c.is_whitespace() || matches!(c, '(' | ')' | ',' | '"')
}

impl Parser {
    fn or(&mut self) -> Result<Rule, RuleError> {
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            return Err(self.error("The rule nests too deep".to_owned()));
        }
        let mut rules = vec![self.and()?];
        while self.keyword("OR") {
            rules.push(self.and()?);
        }
        self.depth -= 1;
        Ok(if rules.len() == 1 { rules.remove(0) } else { Rule::Or(rules) })
    }

    fn and(&mut self) -> Result<Rule, RuleError> {
        let mut rules = vec![self.not()?];
        while self.keyword("AND") {
            rules.push(self.not()?);
        }
        Ok(if rules.len() == 1 { rules.remove(0) } else { Rule::And(rules) })
    }

    fn not(&mut self) -> Result<Rule, RuleError> {
        let mut negations = 0;
        while self.keyword("NOT") {
            negations += 1;
        }
        let atom = self.atom()?;
        Ok(if negations % 2 == 1 { Rule::Not(Box::new(atom)) } else { atom })
    }

    fn atom(&mut self) -> Result<Rule, RuleError> {
        self.blanks();
        if self.peek() == Some('(') {
            self.element()?;
            self.at += 1;
            let rule = self.or()?;
            self.expect(')')?;
            return Ok(rule);
        }
        let start = self.at;
        let word = self.word();
        match word.to_ascii_uppercase().as_str() {
            "TRUE" | "FALSE" => {
                self.element()?;
                Ok(Rule::Constant(word.eq_ignore_ascii_case("TRUE")))
            }
            "AT_LEAST" => self.at_least(),
            name => match StateValue::parse(name) {
                Some(state) => {
                    self.expect('(')?;
                    let alarm = self.reference()?;
                    self.expect(')')?;
                    Ok(Rule::Is { state, alarm })
                }
                None => {
                    self.at = start;
                    Err(self.error(match (word.is_empty(), self.peek()) {
                        (true, None) => "The rule ends where a condition is expected".to_owned(),
                        (true, Some(c)) => format!("Unexpected '{c}'"),
                        _ => format!("Unknown function or keyword '{word}'"),
                    }))
                }
            },
        }
    }

    fn at_least(&mut self) -> Result<Rule, RuleError> {
        self.expect('(')?;
        let count = self.count()?;
        self.expect(',')?;
        let negated = self.keyword("NOT");
        self.blanks();
        let start = self.at;
        let word = self.word();
        let Some(state) = StateValue::parse(&word.to_ascii_uppercase()) else {
            self.at = start;
            return Err(self.error(format!("'{word}' is not a state")));
        };
        self.expect(',')?;
        self.expect('(')?;
        let mut alarms = vec![self.reference()?];
        loop {
            self.blanks();
            if self.peek() != Some(',') {
                break;
            }
            self.at += 1;
            alarms.push(self.reference()?);
        }
        self.expect(')')?;
        self.expect(')')?;
        if let Count::Number(number) = count
            && number as usize > alarms.len()
        {
            return Err(self.error(format!("AT_LEAST wants {number} of {} alarms", alarms.len())));
        }
        Ok(Rule::AtLeast { count, negated, state, alarms })
    }

    /// `2` or `50%`, also in double quotes.
    fn count(&mut self) -> Result<Count, RuleError> {
        self.blanks();
        let start = self.at;
        let text = if self.peek() == Some('"') { self.quoted()? } else { self.word() };
        let (digits, is_percent) = match text.strip_suffix('%') {
            Some(digits) => (digits, true),
            None => (text.as_str(), false),
        };
        let number = digits.trim().parse::<u32>().ok().filter(|n| *n >= 1 && (!is_percent || *n <= 100));
        match number {
            Some(number) => Ok(if is_percent { Count::Percent(number) } else { Count::Number(number) }),
            None => {
                self.at = start;
                Err(self.error(format!("'{text}' is not a number or percentage of alarms")))
            }
        }
    }

    fn reference(&mut self) -> Result<String, RuleError> {
        self.element()?;
        self.blanks();
        let name = if self.peek() == Some('"') { self.quoted()? } else { self.word() };
        if name.is_empty() {
            return Err(self.error("An alarm name is expected".to_owned()));
        }
        Ok(name)
    }

    fn quoted(&mut self) -> Result<String, RuleError> {
        let start = self.at;
        self.at += 1;
        let mut text = String::new();
        while let Some(c) = self.peek() {
            self.at += 1;
            match c {
                '"' => return Ok(text),
                '\\' => {
                    text.extend(self.peek());
                    self.at += 1;
                }
                other => text.push(other),
            }
        }
        self.at = start;
        Err(self.error("The quoted name does not end".to_owned()))
    }

    /// Everything up to a delimiter.
    fn word(&mut self) -> String {
        let rest = &self.chars[self.at.min(self.chars.len())..];
        let word: String = rest.iter().take_while(|c| !is_delimiter(**c)).collect();
        self.at += word.chars().count();
        word
    }

    /// Takes the keyword if it comes next.
    fn keyword(&mut self, keyword: &str) -> bool {
        self.blanks();
        let start = self.at;
        if self.word().eq_ignore_ascii_case(keyword) {
            return true;
        }
        self.at = start;
        false
    }

    fn expect(&mut self, wanted: char) -> Result<(), RuleError> {
        self.blanks();
        match self.peek() {
            Some(c) if c == wanted => {
                self.at += 1;
                Ok(())
            }
            Some(c) => Err(self.error(format!("'{wanted}' expected, not '{c}'"))),
            None => Err(self.error(format!("'{wanted}' expected"))),
        }
    }

    fn element(&mut self) -> Result<(), RuleError> {
        self.elements += 1;
        if self.elements > ELEMENTS_MAX {
            return Err(self.error(format!("The rule has more than {ELEMENTS_MAX} elements")));
        }
        Ok(())
    }

    fn blanks(&mut self) {
        while self.peek().is_some_and(char::is_whitespace) {
            self.at += 1;
        }
    }

    fn peek(&self) -> Option<char> {
        self.chars.get(self.at).copied()
    }

    fn error(&self, message: String) -> RuleError {
        RuleError { message, position: self.at }
    }
}
