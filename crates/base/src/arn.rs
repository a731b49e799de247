//! Amazon Resource Names, taken apart.
//!
//! Source: <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference-arns.html>.

use std::fmt;

/// Why a text is not an ARN.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not an ARN: {0:?}")]
pub struct ArnError(pub String);

/// An ARN in its six fields. Region and account may be empty; the resource is everything after the
/// fifth colon and may itself hold colons.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Arn {
    pub partition: String,
    pub service: String,
    pub region: String,
    pub account: String,
    pub resource: String,
}

impl Arn {
    pub fn parse(text: &str) -> Result<Self, ArnError> {
        let mut fields = text.splitn(6, ':');
        let mut next = || fields.next().map(str::to_owned);
        let arn = (|| {
            let prefix = next()?;
            let arn = Arn {
                partition: next()?,
                service: next()?,
                region: next()?,
                account: next()?,
                resource: next()?,
            };
            (prefix == "arn"
                && !arn.partition.is_empty()
                && !arn.service.is_empty()
                && !arn.resource.is_empty())
            .then_some(arn)
        })();
        arn.ok_or_else(|| ArnError(text.to_owned()))
    }
}

impl fmt::Display for Arn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "arn:{}:{}:{}:{}:{}",
            self.partition, self.service, self.region, self.account, self.resource
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_colons_of_the_resource() {
        let text = "arn:aws:logs:us-east-1:123456789012:log-group:/aws/x:*";
        let arn = Arn::parse(text).unwrap();
        assert_eq!(arn.resource, "log-group:/aws/x:*");
        assert_eq!(arn.to_string(), text);
    }

    #[test]
    fn refuses_what_is_not_an_arn() {
        for bad in
            ["", "arn", "arn:aws:logs:us-east-1:1", "urn:aws:logs:r:a:x", "arn:aws::r:a:x", "arn:aws:s:r:a:"]
        {
            assert!(Arn::parse(bad).is_err(), "{bad}");
        }
    }
}
