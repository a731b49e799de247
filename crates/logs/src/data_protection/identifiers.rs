//! Managed data identifiers that are detected, and how
//! (<https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CWL-managed-data-identifiers.html>).
//! The other names are accepted and detect nothing.

/// How a kind of data is found.
#[derive(Debug)]
pub(super) struct Identifier {
    pub(super) name: &'static str,
    pub(super) regex: &'static str,
    /// Decides on what the expression found.
    pub(super) check: Option<fn(&str) -> bool>,
    /// One of these words must be near; none is needed if empty.
    pub(super) keywords: &'static [&'static str],
}

const fn plain(name: &'static str, regex: &'static str) -> Identifier {
    Identifier { name, regex, check: None, keywords: &[] }
}

const fn checked(name: &'static str, regex: &'static str, check: fn(&str) -> bool) -> Identifier {
    Identifier { name, regex, check: Some(check), keywords: &[] }
}

const fn near(name: &'static str, regex: &'static str, keywords: &'static [&'static str]) -> Identifier {
    Identifier { name, regex, check: None, keywords }
}

pub(super) const IDENTIFIERS: &[Identifier] = &[
    plain("EmailAddress", r"[A-Za-z0-9._%+-]+@(?:[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?\.)+[A-Za-z]{2,24}"),
    checked(
        "IpAddress",
        r"(?:[0-9]{1,3}\.){3}[0-9]{1,3}|(?:[0-9A-Fa-f]{0,4}:){2,7}(?:[0-9A-Fa-f]{1,4}|(?:[0-9]{1,3}\.){3}[0-9]{1,3})?",
        is_ip,
    ),
    near(
        "AwsSecretKey",
        r"[A-Za-z0-9/+]{40}",
        &[
            "aws_secret_access_key",
            "credentials",
            "secret access key",
            "secret key",
            "set-awscredential",
            "secretkey",
            "secretaccesskey",
        ],
    ),
    plain(
        "OpenSshPrivateKey",
        r"(?s)-----BEGIN OPENSSH PRIVATE KEY-----.*?-----END OPENSSH PRIVATE KEY-----",
    ),
    plain(
        "PgpPrivateKey",
        r"(?s)-----BEGIN PGP PRIVATE KEY BLOCK-----.*?-----END PGP PRIVATE KEY BLOCK-----",
    ),
    plain(
        "PkcsPrivateKey",
        r"(?s)-----BEGIN (?:RSA |EC |DSA |ENCRYPTED )?PRIVATE KEY-----.*?-----END (?:RSA |EC |DSA |ENCRYPTED )?PRIVATE KEY-----",
    ),
    plain("PuttyPrivateKey", r"(?s)PuTTY-User-Key-File-[0-9]:.*?Private-MAC: [0-9A-Fa-f]+"),
    checked("CreditCardNumber", r"[0-9](?:[ -]?[0-9]){12,18}", is_card),
    near(
        "CreditCardExpiration",
        r"(?:0[1-9]|1[0-2])[/-](?:20)?[0-9]{2}",
        &["exp", "expiration", "expiry", "valid thru"],
    ),
    near(
        "CreditCardSecurityCode",
        r"[0-9]{3,4}",
        &["cvv", "cvc", "cvv2", "card verification", "security code"],
    ),
    checked("Ssn-US", r"[0-9]{3}[- ][0-9]{2}[- ][0-9]{4}", is_ssn),
    plain(
        "PhoneNumber-US",
        r"(?:\+?1[ .-]?)?(?:\([2-9][0-9]{2}\) ?|[2-9][0-9]{2}[ .-])[2-9][0-9]{2}[ .-][0-9]{4}",
    ),
    checked("BankAccountNumber-DE", r"DE[0-9]{2}(?: ?[0-9]{4}){4} ?[0-9]{2}", is_iban),
    checked("BankAccountNumber-ES", r"ES[0-9]{2}(?: ?[0-9]{4}){5}", is_iban),
    checked("BankAccountNumber-FR", r"FR[0-9]{2}(?: ?[0-9A-Z]{4}){5} ?[0-9A-Z]{3}", is_iban),
    checked("BankAccountNumber-GB", r"GB[0-9]{2} ?[A-Z]{4}(?: ?[0-9]{4}){3} ?[0-9]{2}", is_iban),
    checked("BankAccountNumber-IT", r"IT[0-9]{2} ?[A-Z][0-9]{3}(?: ?[0-9]{4}){4} ?[0-9A-Z]{3}", is_iban),
];

fn is_ip(text: &str) -> bool {
    text.parse::<std::net::IpAddr>().is_ok_and(|address| !address.is_unspecified())
}

/// The Luhn check of card numbers.
fn is_card(text: &str) -> bool {
    let digits: Vec<u32> = text.chars().filter_map(|c| c.to_digit(10)).collect();
    let sum: u32 = digits
        .iter()
        .rev()
        .enumerate()
        .map(|(at, digit)| match at % 2 {
            0 => *digit,
            _ if *digit > 4 => digit * 2 - 9,
            _ => digit * 2,
        })
        .sum();
    sum > 0 && sum.is_multiple_of(10)
}

/// Numbers that were never given out are none.
fn is_ssn(text: &str) -> bool {
    let digits: Vec<&str> = text.split(['-', ' ']).collect();
    let [area, group, serial] = digits[..] else { return false };
    !matches!(area, "000" | "666") && !area.starts_with('9') && group != "00" && serial != "0000"
}

/// ISO 13616: the number with its first four characters behind is 1 modulo 97.
fn is_iban(text: &str) -> bool {
    let characters: Vec<char> = text.chars().filter(|c| *c != ' ').collect();
    let (head, tail) = characters.split_at(4.min(characters.len()));
    let remainder = tail.iter().chain(head).try_fold(0_u64, |remainder, c| {
        let value = u64::from(c.to_digit(36)?);
        Some((remainder * if value > 9 { 100 } else { 10 } + value) % 97)
    });
    remainder == Some(1)
}
