//! The texts of mails. People read them; no client parses them, so the words are our own.
//!
//! AWS: confirmations always come from `Amazon Web Services Notifications`, whatever the topic's display name
//! (sns-email-notifications). Ours name this server instead, since AWS didn't send them.

/// Sender name of confirmations.
pub(crate) const SENDER: &str = "Nephoscope Notifications";
const LINE: &str = "--";

/// Body of a notification, with the way out below.
pub(crate) fn notification(message: &str, unsubscribe_url: &str) -> String {
    format!(
        "{message}\n\n{LINE}\nTo stop receiving notifications from this topic, visit this link:\n{unsubscribe_url}\n\n\
         Please do not reply to this e-mail.\n"
    )
}

/// Subject and body of the mail that asks for confirmation.
pub(crate) fn confirmation(topic_arn: &str, confirm_url: &str) -> (String, String) {
    let body = format!(
        "You have chosen to subscribe to the topic:\n{topic_arn}\n\n\
         To confirm this subscription, visit this link (if this was in error, no action is necessary):\n\
         {confirm_url}\n\n{LINE}\nThe link is valid for two days. Please do not reply to this e-mail.\n"
    );
    ("AWS Notification - Subscription Confirmation".to_owned(), body)
}
