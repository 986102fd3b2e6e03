//! The app's own token: a JWT signed with RS256, valid for ten minutes at most.

use http::StatusCode;
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode, decode_header};
use serde_json::Value;

use crate::error::{ApiError, ApiResult};
use crate::sim::Sim;

/// The longest time between now and `exp`, in seconds.
const LONGEST: i64 = 600;
/// How far ahead a caller's clock may be, in seconds.
const SKEW: i64 = 60;

/// Checks signature, issuer and times.
///
/// # Errors
/// 401 with GitHub's sentence about the claim that is wrong; 404 for an app that does not exist.
pub(super) fn verify(sim: &Sim, token: &str) -> ApiResult<()> {
    let undecodable = || ApiError::new(StatusCode::UNAUTHORIZED, "A JSON web token could not be decoded");
    let app = sim.config.app.as_ref().ok_or_else(undecodable)?;
    let header = decode_header(token).map_err(|_| undecodable())?;
    if header.alg != Algorithm::RS256 {
        return Err(undecodable());
    }
    let key = DecodingKey::from_rsa_pem(app.public_key_pem.as_bytes()).map_err(|e| ApiError::internal(&e))?;
    // Only the signature is checked there: the times are checked below, against the simulator's clock.
    let mut rules = Validation::new(Algorithm::RS256);
    rules.required_spec_claims.clear();
    rules.validate_exp = false;
    rules.validate_aud = false;
    let claims: Value = decode(token, &key, &rules).map_err(|_| undecodable())?.claims;
    check_times(&claims, sim.clock.now().as_second())
        .map_err(|message| ApiError::new(StatusCode::UNAUTHORIZED, message))?;
    let issuer = match &claims["iss"] {
        Value::Number(number) => number.to_string(),
        Value::String(text) => text.clone(),
        _ => {
            let message = "'Issuer' claim ('iss') must be an Integer or a String";
            return Err(ApiError::new(StatusCode::UNAUTHORIZED, message));
        }
    };
    if issuer == app.id.to_string() || issuer == app.client_id {
        return Ok(());
    }
    Err(ApiError::new(StatusCode::NOT_FOUND, "Integration not found"))
}

fn check_times(claims: &Value, now: i64) -> Result<(), &'static str> {
    let Some(expires) = claims["exp"].as_i64().filter(|exp| *exp > now) else {
        return Err("'Expiration time' claim ('exp') must be a numeric value representing the future time at \
                    which the assertion expires");
    };
    if expires > now + LONGEST {
        return Err("'Expiration time' claim ('exp') is too far in the future");
    }
    match claims["iat"].as_i64() {
        Some(issued) if issued <= now + SKEW => Ok(()),
        _ => Err("'Issued at' claim ('iat') must be an Integer representing the time that the assertion was issued"),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::check_times;

    #[test]
    fn times_are_bounded() {
        let ok = |iat: i64, exp: i64| check_times(&json!({"iat": iat, "exp": exp}), 1_000).is_ok();
        assert!(ok(940, 1_600));
        assert!(ok(1_060, 1_540));
        assert!(!ok(940, 1_000), "expired");
        assert!(!ok(940, 1_601), "over ten minutes");
        assert!(!ok(1_061, 1_540), "issued in the future");
        assert!(check_times(&json!({"iat": 1_000}), 1_000).is_err());
        assert!(check_times(&json!({"exp": 1_500}), 1_000).is_err());
    }
}
