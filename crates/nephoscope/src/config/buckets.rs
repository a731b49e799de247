//! The `[buckets.NAME]` tables, checked.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;

use super::ConfigError;
use super::settings::BucketSettings;

/// A bucket that exports may be written to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bucket {
    pub place: BucketPlace,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BucketPlace {
    Folder(PathBuf),
    S3(S3Bucket),
}

/// A bucket of an S3-compatible service.
#[derive(Clone, PartialEq, Eq)]
pub struct S3Bucket {
    pub endpoint: String,
    /// Its name there, where it differs.
    pub bucket: Option<String>,
    pub region: String,
    pub access_key_id: String,
    pub secret_access_key: String,
    pub path_style: bool,
}

/// Without the secret.
impl fmt::Debug for S3Bucket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("S3Bucket")
            .field("endpoint", &self.endpoint)
            .field("bucket", &self.bucket)
            .field("region", &self.region)
            .finish_non_exhaustive()
    }
}

pub(super) fn buckets(
    given: BTreeMap<String, BucketSettings>,
) -> Result<BTreeMap<String, Bucket>, ConfigError> {
    given.into_iter().map(|(name, settings)| Ok((name.clone(), bucket(&name, settings)?))).collect()
}

fn bucket(name: &str, given: BucketSettings) -> Result<Bucket, ConfigError> {
    let wrong = |reason: &str| ConfigError::Setting {
        setting: "buckets",
        reason: format!("[buckets.{name}]: {reason}"),
    };
    let of_s3 = BucketSettings { folder: None, ..given.clone() };
    let place = match given {
        BucketSettings { folder: Some(folder), .. } if of_s3 == BucketSettings::default() => {
            BucketPlace::Folder(folder)
        }
        BucketSettings { folder: Some(_), .. } => return Err(wrong("a folder needs no other key")),
        BucketSettings {
            endpoint: Some(endpoint),
            access_key_id: Some(access_key_id),
            secret_access_key: Some(secret_access_key),
            ..
        } => {
            if !endpoint.starts_with("http://") && !endpoint.starts_with("https://") {
                return Err(wrong("endpoint must be an http:// or https:// URL"));
            }
            BucketPlace::S3(S3Bucket {
                endpoint,
                bucket: given.bucket,
                region: given.region.unwrap_or_else(|| "us-east-1".to_owned()),
                access_key_id,
                secret_access_key: secret_access_key.0,
                path_style: given.path_style.unwrap_or(true),
            })
        }
        _ => return Err(wrong("give folder, or endpoint, access-key-id and secret-access-key")),
    };
    Ok(Bucket { place })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Bucket, ConfigError> {
        bucket("b", toml::from_str(text).unwrap())
    }

    #[test]
    fn folders_and_services() {
        assert_eq!(read("folder = '/x'").unwrap().place, BucketPlace::Folder("/x".into()));
        let s3 = "endpoint = 'http://h:9000'\naccess-key-id = 'a'\nsecret-access-key = 'hush'";
        let bucket = read(s3).unwrap();
        assert!(matches!(&bucket.place, BucketPlace::S3(s3) if s3.path_style && s3.region == "us-east-1"));
        assert!(!format!("{bucket:?}").contains("hush"));
        for bad in ["", "folder = '/x'\nregion = 'r'", "endpoint = 'http://h'", &s3.replace("http:", "ftp:")]
        {
            let error = read(bad).unwrap_err().to_string();
            assert!(error.starts_with("buckets: [buckets.b]: "), "{error}");
        }
    }
}
