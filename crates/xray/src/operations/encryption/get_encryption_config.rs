//! GetEncryptionConfig: with which key traces are encrypted. They are stored as every account's are before
//! it chooses a key of its own, and choosing one is not served.

use shapes::xray::{
    EncryptionConfig, EncryptionStatus, EncryptionType, GetEncryptionConfigRequest, GetEncryptionConfigResult,
};
use smithy::Cx;

use crate::{XRay, XRayError};

pub(crate) async fn get_encryption_config(
    _: Cx<XRay>,
    _: GetEncryptionConfigRequest,
) -> Result<GetEncryptionConfigResult, XRayError> {
    let config = EncryptionConfig {
        key_id: None,
        status: Some(EncryptionStatus::Active),
        r#type: Some(EncryptionType::None),
    };
    Ok(GetEncryptionConfigResult { encryption_config: Some(config) })
}
