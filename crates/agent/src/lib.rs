//! Publishes a host's metrics and log files to a server, as the CloudWatch agent does.
