//! NaN in JSON: it is written as `null`, and these read it back. Missing values of a feature are NaN throughout.

use serde::{Deserialize, Deserializer};

/// One number; `null` is NaN.
pub fn one<'de, D: Deserializer<'de>>(from: D) -> Result<f64, D::Error> {
    Ok(Option::<f64>::deserialize(from)?.unwrap_or(f64::NAN))
}

/// Many numbers; each `null` is NaN.
pub fn many<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<f64>, D::Error> {
    Ok(Vec::<Option<f64>>::deserialize(from)?.into_iter().map(|v| v.unwrap_or(f64::NAN)).collect())
}

#[cfg(test)]
mod tests {
    #[derive(serde::Serialize, serde::Deserialize)]
    struct Both {
        #[serde(deserialize_with = "super::one")]
        one: f64,
        #[serde(deserialize_with = "super::many")]
        many: Vec<f64>,
    }

    #[test]
    fn nan_comes_back() {
        let text = serde_json::to_string(&Both { one: f64::NAN, many: vec![1.5, f64::NAN] }).unwrap();
        let back: Both = serde_json::from_str(&text).unwrap();
        assert!(back.one.is_nan() && back.many[0] == 1.5 && back.many[1].is_nan(), "{text}");
    }
}
