//! Whether an outcome is good news or bad. Where it is bad (people leave, goods come back, somebody complains), a scenario is
//! good when it happens less: money counts the cases avoided, and whoever it helps most is reached first. What the outcome
//! itself does keeps its own sign everywhere.

use serde::{Deserialize, Serialize};

use crate::ml::{Outcome, OutcomeKind};

/// Good news or bad.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum News {
    /// More of it is better.
    #[default]
    Good,
    /// Less of it is better.
    Bad,
}

/// Words of a name that say that it is bad news.
const BAD: [&str; 52] = [
    "abandoned",
    "attrition",
    "bankrupt",
    "bankruptcy",
    "bounce",
    "bounced",
    "cancel",
    "canceled",
    "cancellation",
    "cancellations",
    "cancelled",
    "chargeback",
    "chargebacks",
    "churn",
    "churned",
    "churner",
    "complain",
    "complained",
    "complaint",
    "complaints",
    "default",
    "defaulted",
    "delinquent",
    "dissatisfied",
    "dropout",
    "exited",
    "failed",
    "failure",
    "fraud",
    "fraudulent",
    "lapse",
    "lapsed",
    "leave",
    "leaves",
    "left",
    "loss",
    "lost",
    "overdue",
    "quit",
    "refund",
    "refunded",
    "refunds",
    "returned",
    "returns",
    "spam",
    "uninstall",
    "uninstalled",
    "unsubscribe",
    "unsubscribed",
    "unsubscribes",
    "unhappy",
    "withdrawn",
];
/// The same in Chinese, which has no spaces between words.
const BAD_ZH: [&str; 13] = ["流失", "退货", "退款", "投诉", "退订", "取消", "违约", "欺诈", "逾期", "离职", "跳出", "差评", "卸载"];
/// Values that say that it did not happen.
const NO: [&str; 11] = ["no", "n", "false", "f", "0", "none", "否", "未", "无", "stayed", "active"];

impl News {
    /// Whether more is better.
    pub fn is_good(&self) -> bool {
        *self == Self::Good
    }

    /// Times what is added, it is what is won.
    pub fn sign(self) -> f64 {
        if self == Self::Good { 1.0 } else { -1.0 }
    }

    /// What the name of an outcome, and the value or class that is counted, sound like. Only a proposal: the analyst knows.
    pub fn guess(outcome: &Outcome) -> Self {
        let counted = match &outcome.kind {
            OutcomeKind::Binary { positive, .. } => positive.as_str(),
            OutcomeKind::Class { class } => class.as_str(),
            OutcomeKind::Number => "",
        };
        Self::of_words(&outcome.name, counted)
    }

    /// The same of a column and the value that is counted (empty for an amount).
    pub fn of_words(name: &str, counted: &str) -> Self {
        let (name_words, counted_words) = (words(name), words(counted));
        let is_bad = |w: &String| BAD.contains(&w.as_str());
        let sounds = |text: &str, words: &[String]| words.iter().any(is_bad) || BAD_ZH.iter().any(|b| text.contains(b));
        let denied = |words: &[String]| words.iter().any(|w| ["not", "non", "no", "without"].contains(&w.as_str()));
        let turned = NO.contains(&counted.trim().to_lowercase().as_str()) || denied(&counted_words) != denied(&name_words);
        match (sounds(name, &name_words) || sounds(counted, &counted_words), turned) {
            (true, false) => Self::Bad,
            _ => Self::Good,
        }
    }

    /// The catalogue key that says the same where an outcome is bad news: cases for conversions.
    pub fn word(self, key: &'static str) -> &'static str {
        if self.is_good() {
            return key;
        }
        WORDS.iter().find(|(good, _)| *good == key).map_or(key, |(_, bad)| bad)
    }
}

/// What one conversion, or one case, is called: “Churn = Yes”.
pub fn case(outcome: &Outcome) -> String {
    match &outcome.kind {
        OutcomeKind::Binary { positive, .. } => {
            let plain = ["", "1", "true"].contains(&positive.trim().to_lowercase().as_str()) || outcome.against_rest().is_some();
            if plain { outcome.name.clone() } else { format!("{} = {positive}", outcome.name) }
        }
        OutcomeKind::Class { class } => format!("{} = {class}", outcome.name),
        OutcomeKind::Number => outcome.name.clone(),
    }
}

/// By which name a recipe lists it: its class where it is one of several, else its column.
pub fn listed(outcome: &Outcome) -> &str {
    if outcome.is_class() { outcome.class() } else { &outcome.name }
}

/// Words of a column's name, in lower case: `CustomerChurned_2` is customer, churned, 2.
fn words(name: &str) -> Vec<String> {
    let mut out = vec![String::new()];
    let mut before = ' ';
    for c in name.chars() {
        if !c.is_alphanumeric() || (c.is_uppercase() && before.is_lowercase()) {
            out.push(String::new());
        }
        if c.is_alphanumeric() {
            out.last_mut().into_iter().for_each(|w| w.extend(c.to_lowercase()));
        }
        before = c;
    }
    out.retain(|w| !w.is_empty());
    out
}

/// What is said of good news, and of bad.
const WORDS: [(&str, &str); 36] = [
    ("why.conversions", "why.cases"),
    ("why.rate", "why.case_rate"),
    ("why.revenue", "why.saved"),
    ("why.value_per_conversion", "why.value_per_case"),
    ("why.value_per_conversion_help", "why.value_per_case_help"),
    ("why.cost_per_conversion", "why.cost_per_spared"),
    ("why.cost_per_conversion_help", "why.cost_per_spared_help"),
    ("why.first_gain", "why.first_fall"),
    ("why.tornado_caption", "why.tornado_caption_cases"),
    ("why.drivers_help", "why.drivers_help_cases"),
    ("why.versus_profit", "why.versus_profit_cases"),
    ("why.versus_profit_open", "why.versus_profit_open_cases"),
    ("why.versus_conversions", "why.versus_cases"),
    ("why.versus_conversions_open", "why.versus_cases_open"),
    ("why.versus_caption_conversions", "why.versus_caption_cases"),
    ("report.conversions", "report.cases"),
    ("report.rate", "report.case_rate"),
    ("report.revenue", "report.saved"),
    ("report.roi", "report.roi_saved"),
    ("report.changes", "report.changes_cases"),
    ("report.difference", "report.difference_cases"),
    ("report.difference_money", "report.difference_saved"),
    ("report.drivers_caption", "report.drivers_caption_cases"),
    ("report.hangs_on", "report.hangs_on_cases"),
    ("report.sum_scenario", "report.sum_scenario_cases"),
    ("cli.conversions", "cli.cases"),
    ("cli.rate", "cli.case_rate"),
    ("strategy.assume_value", "strategy.assume_value_case"),
    ("strategy.assume_offer", "strategy.assume_offer_spared"),
    ("strategy.class_counted", "strategy.class_counted_cases"),
    ("strategy.assume_name_effect", "strategy.assume_name_cases"),
    ("strategy.assume_name_value", "strategy.assume_name_case_value"),
    ("strategy.assume_name_offer", "strategy.assume_name_spared"),
    ("strategy.best_first", "strategy.best_first_fall"),
    ("why.first_help", "why.first_help_fall"),
    ("why.roi_help", "why.roi_help_saved"),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::text::catalogue;

    #[test]
    fn names_that_sound_bad_are_proposed_as_bad() {
        for (name, counted, bad) in [
            ("Churn", "Yes", true),
            ("Churn", "No", false),
            ("Exited", "1", true),
            ("CustomerChurned", "1", true),
            ("not_churned", "1", false),
            ("status", "Cancelled", true),
            ("status", "not cancelled", false),
            ("status", "active", false),
            ("complaints", "", true),
            ("是否流失", "是", true),
            ("是否流失", "否", false),
            ("Revenue", "true", false),
            ("conversion", "1", false),
            ("visit", "1", false),
            ("spend", "", false),
            ("Leftover", "1", false),
        ] {
            assert_eq!(News::of_words(name, counted) == News::Bad, bad, "{name} {counted}");
        }
    }

    #[test]
    fn every_word_has_its_counterpart() {
        for (good, bad) in WORDS {
            assert!(catalogue().contains_key(good) && catalogue().contains_key(bad), "{good} {bad}");
            assert_eq!((News::Good.word(good), News::Bad.word(good)), (good, bad));
        }
        assert_eq!(News::Bad.word("why.profit"), "why.profit");
    }

    #[test]
    fn a_case_is_called_by_its_outcome() {
        let of = |name: &str, positive: &str| {
            let kind = OutcomeKind::Binary { positive: positive.into(), negative: String::new() };
            case(&Outcome { name: name.into(), kind, base_rate: 0.5 })
        };
        assert_eq!(of("Churn", "Yes"), "Churn = Yes");
        assert_eq!(of("Exited", "1"), "Exited");
        assert_eq!(of("tier = gold", "gold"), "tier = gold");
    }

    #[test]
    fn a_test_whose_outcome_is_bad_news_is_read_as_its_opposite() {
        use crate::base::{JobCtx, rng};
        use crate::data::Table;
        use crate::data::table::Values;
        use crate::strategy::causal::{Ask, Study};
        use crate::strategy::uplift::{Options, UpliftResult, analyse};
        // A call keeps the old from leaving and drives the young away.
        let n = 1_600;
        let mut r = rng::rng(5, "leaving");
        let (mut age, mut call, mut leaves) = (Vec::new(), Vec::new(), Vec::new());
        for _ in 0..n {
            let (old, called) = (rng::below(&mut r, 2) == 1, rng::below(&mut r, 2) == 1);
            let p = match (called, old) {
                (false, _) => 0.5,
                (true, true) => 0.2,
                (true, false) => 0.75,
            };
            age.push(Some(if old { 60 } else { 30 } + rng::below(&mut r, 9) as i64));
            call.push(Some(if called { "call" } else { "none" }.to_owned()));
            leaves.push(Some(i64::from(rng::unit(&mut r) < p)));
        }
        let found = |leaves: Vec<Option<i64>>, news: News| -> UpliftResult {
            let table = Table::from_columns(vec![
                ("age".into(), Values::Integers(age.clone())),
                ("call".into(), Values::Texts(call.clone())),
                ("leaves".into(), Values::Integers(leaves)),
            ])
            .unwrap();
            let ask = Ask { treatment: "call".into(), outcome: "leaves".into(), control: "none".into(), news, ..Ask::default() };
            let o = Options { replicates: 40, shuffles: 40, ..Options::default() };
            analyse(&Study::of(&table, &ask).unwrap(), &o, &JobCtx::quiet()).unwrap()
        };
        let bad = found(leaves.clone(), News::Bad);
        let stays = found(leaves.iter().map(|l| l.map(|l| 1 - l)).collect(), News::Good);
        assert_eq!((&bad.arms, &bad.policy), (&stays.arms, &stays.policy));
        assert!(bad.assumptions.iter().any(|a| a.code == "uplift.bad_news"));
        // The advice calls the old, who then leave less; read as good news it would call the young.
        let called = |r: &UpliftResult| {
            let p = r.policy.as_ref().unwrap();
            let rule = p.rules.iter().find(|r| r.arm == "call").unwrap();
            rule.segment.clone().unwrap()
        };
        let (old, young) = (called(&bad), called(&found(leaves.clone(), News::Good)));
        assert!(old.contains('>') && young.contains('<'), "{old} and {young}");
    }
}
