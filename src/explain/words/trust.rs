//! How far an explanation holds: its checks, whether it stays from training to training, and the small tree that may stand
//! for the model.

use super::{level, list};
use crate::base::numbers::{fixed, percent};
use crate::base::{Lang, tr, tr_with};
use crate::explain::surrogate::Surrogate;
use crate::explain::trust::{Stability, Trust, Verdict};
use crate::ml::model::Scale;

/// How many checks pass, and which do not.
pub fn trust(t: &Trust, lang: Lang) -> String {
    let named = |v: Verdict| -> Vec<String> {
        let name = |check: &str| match check {
            "adds-up" => "explain.check_adds_up",
            "tells-apart" => "explain.check_apart",
            "deletion" => "explain.check_deletion",
            "insertion" => "explain.check_insertion",
            "stable" => "explain.check_stable",
            _ => "explain.check_signs",
        };
        t.checks.iter().filter(|c| c.verdict == v).map(|c| tr(lang, name(&c.name)).to_owned()).collect()
    };
    let (doubtful, failed) = (named(Verdict::Doubtful), named(Verdict::Failed));
    let all = t.checks.len();
    let passed = all - doubtful.len() - failed.len();
    let key = if passed == all { "explain.trust_all" } else { "explain.trust_some" };
    let mut out = tr_with(lang, key, &[("n", &passed), ("all", &all)]);
    for (key, names) in [("explain.trust_failed", failed), ("explain.trust_doubtful", doubtful)] {
        if !names.is_empty() {
            out += &tr_with(lang, key, &[("list", &list(&names, lang))]);
        }
    }
    out
}

/// Whether the reasons stay from training to training.
pub fn stability(s: &Stability, lang: Lang) -> String {
    let key = match s.verdict {
        Verdict::Ok => "explain.again_ok",
        Verdict::Doubtful => "explain.again_doubtful",
        Verdict::Failed => "explain.again_failed",
    };
    let (shared, rows) = (percent(s.shared), fixed(s.rows, 2));
    tr_with(lang, key, &[("n", &(s.versions - 1)), ("shared", &shared), ("top", &s.top), ("rows", &rows)])
}

/// How far a small tree may stand for the model, and its largest end.
pub fn surrogate(s: &Surrogate, scale: Scale, lang: Lang) -> String {
    let fields: [(&str, &dyn std::fmt::Display); 3] =
        [("n", &s.rules.len()), ("fidelity", &percent(s.fidelity)), ("usual", &percent(s.usual))];
    let mut out = tr_with(lang, "explain.surrogate_said", &fields);
    if let Some(first) = s.rules.first().filter(|r| !r.when.is_empty()) {
        let key = if first.yes { "explain.surrogate_yes" } else { "explain.surrogate_no" };
        let fields: [(&str, &dyn std::fmt::Display); 4] = [
            ("when", &list(&first.when, lang)),
            ("share", &percent(first.share)),
            ("mean", &level(first.mean, scale)),
            ("threshold", &level(s.threshold, scale)),
        ];
        out += &tr_with(lang, key, &fields);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::super::scan;
    use super::*;
    use crate::base::{Fingerprint, Notice, rng};
    use crate::explain::surrogate::Rule;
    use crate::explain::trust::{Check, Curve, verdict_of};

    fn verdict(rng: &mut rng::Rng) -> Verdict {
        [Verdict::Ok, Verdict::Ok, Verdict::Doubtful, Verdict::Failed][rng::below(rng, 4)]
    }

    #[test]
    fn which_checks_pass_is_read_back() {
        let mut rng = rng::rng(61, "trust said");
        let names = ["adds-up", "tells-apart", "deletion", "insertion", "signs"];
        let words = [
            ["adding up", "telling features apart", "taking features out", "putting features in", "signs"],
            ["合计一致", "能区分特征", "移除检验", "加入检验", "方向检验"],
        ];
        for _ in 0..200 {
            let verdicts: Vec<Verdict> = names.iter().map(|_| verdict(&mut rng)).collect();
            let check = |(n, v): (&&str, &Verdict)| Check { name: (*n).to_owned(), verdict: *v, said: Notice::new("explain.trust_apart") };
            let t = Trust {
                checks: names.iter().zip(&verdicts).map(check).collect(),
                deletion: None,
                insertion: None,
                sufficiency: None,
                twins: Vec::new(),
                tied: Vec::new(),
                rows: 10,
                seed: 1,
            };
            for (lang, words) in scan::LANGS.into_iter().zip(words) {
                let en = lang == Lang::En;
                let of = |v: Verdict| -> Vec<&str> { (0..5).filter(|i| verdicts[*i] == v).map(|i| words[i]).collect() };
                let passed = of(Verdict::Ok).len();
                let mut pattern = match (passed, en) {
                    (5, true) => "All 5 checks of this explanation pass.".to_owned(),
                    (5, false) => "该解释的 5 项检验全部通过。".to_owned(),
                    (k, true) => format!("{k} of 5 checks of this explanation pass."),
                    (k, false) => format!("该解释的 5 项检验中有 {k} 项通过。"),
                };
                let mut want = Vec::new();
                for (v, en_words, zh_words) in
                    [(Verdict::Failed, " Failed: {}.", "未通过：{}。"), (Verdict::Doubtful, " Doubtful: {}.", "存疑：{}。")]
                {
                    if !of(v).is_empty() {
                        pattern += if en { en_words } else { zh_words };
                        want.push(of(v));
                    }
                }
                let said = scan::must(&pattern, &trust(&t, lang));
                assert_eq!(said.iter().map(|s| scan::items(s, lang)).collect::<Vec<_>>(), want);
            }
        }
    }

    /// A check whose interval reaches nothing is never said to have passed; area and interval are those of the curve.
    #[test]
    fn curves_are_read_back() {
        let mut rng = rng::rng(62, "curves said");
        for i in 0..200 {
            let (area, half) = (0.2 * rng::normal(&mut rng), 0.2 * rng::unit(&mut rng));
            let curve = Curve { steps: vec![], named: vec![], chance: vec![], area, low: area - half, high: area + half };
            let name = ["deletion", "insertion"][i % 2];
            let check = verdict_of(name, &curve);
            let passes = curve.low > 0.0;
            for lang in scan::LANGS {
                let pattern = match (lang, i % 2, passes) {
                    (Lang::En, 0, true) => {
                        "Taking out the features that it names first changes the output faster than taking them out by chance (area {}, 95 % interval {} to {}, in hundredths)."
                    }
                    (Lang::En, 0, false) => {
                        "Taking out the features that it names first does not clearly change the output faster than taking them out by chance (area {}, 95 % interval {} to {}, in hundredths)."
                    }
                    (Lang::En, _, true) => {
                        "Putting in the features that it names first brings the output back faster than by chance (area {}, 95 % interval {} to {}, in hundredths)."
                    }
                    (Lang::En, _, false) => {
                        "Putting in the features that it names first does not clearly bring the output back faster than by chance (area {}, 95 % interval {} to {}, in hundredths)."
                    }
                    (Lang::Zh, 0, true) => "按解释的顺序移除特征比随机移除更快地改变输出（面积 {}，95% 区间 {} 至 {}，单位为百分之一）。",
                    (Lang::Zh, 0, false) => "按解释的顺序移除特征并未明显快于随机移除（面积 {}，95% 区间 {} 至 {}，单位为百分之一）。",
                    (Lang::Zh, _, true) => "按解释的顺序加入特征比随机加入更快地恢复输出（面积 {}，95% 区间 {} 至 {}，单位为百分之一）。",
                    (Lang::Zh, _, false) => "按解释的顺序加入特征并未明显快于随机加入（面积 {}，95% 区间 {} 至 {}，单位为百分之一）。",
                };
                let said = scan::must(pattern, &check.said.say(lang));
                for (text, v) in said.iter().zip([curve.area, curve.low, curve.high]) {
                    assert!((scan::number(text) - 100.0 * v).abs() <= 0.0501, "{text} {v}");
                }
            }
        }
    }

    #[test]
    fn stability_is_read_back() {
        let mut rng = rng::rng(63, "again said");
        for _ in 0..200 {
            let s = Stability {
                spread: Vec::new(),
                top: 1 + rng::below(&mut rng, 5),
                shared: rng::unit(&mut rng),
                ranks: 0.5,
                rows: 2.0 * rng::unit(&mut rng) - 1.0,
                versions: 2 + rng::below(&mut rng, 4),
                verdict: verdict(&mut rng),
            };
            for lang in scan::LANGS {
                let pattern = match (lang, s.verdict) {
                    (Lang::En, Verdict::Ok) => {
                        "The reasons stay: trained again {} times on redrawn rows, {} of the {} strongest features are the same, and one row's values agree to {} (correlation)."
                    }
                    (Lang::En, Verdict::Doubtful) => {
                        "The reasons stay only in part: trained again {} times on redrawn rows, {} of the {} strongest features are the same, and one row's values agree to {} (correlation)."
                    }
                    (Lang::En, Verdict::Failed) => {
                        "The reasons do not stay: trained again {} times on redrawn rows, only {} of the {} strongest features are the same, and one row's values agree to {} (correlation). Do not act on single bars."
                    }
                    (Lang::Zh, Verdict::Ok) => {
                        "理由稳定：用重抽样的数据重新训练 {} 次，最强的 {} 个特征有 {} 相同，单行的数值相关系数为 {}。"
                    }
                    (Lang::Zh, Verdict::Doubtful) => {
                        "理由仅部分稳定：用重抽样的数据重新训练 {} 次，最强的 {} 个特征有 {} 相同，单行的数值相关系数为 {}。"
                    }
                    (Lang::Zh, Verdict::Failed) => {
                        "理由不稳定：用重抽样的数据重新训练 {} 次，最强的 {} 个特征只有 {} 相同，单行的数值相关系数为 {}。请勿依据单个条形行动。"
                    }
                };
                let said = scan::must(pattern, &stability(&s, lang));
                let (shared, top) = if lang == Lang::En { (&said[1], &said[2]) } else { (&said[2], &said[1]) };
                assert_eq!((said[0].parse(), top.parse()), (Ok(s.versions - 1), Ok(s.top)));
                scan::is(shared, s.shared, crate::ml::model::Scale::Probability);
                assert!((scan::number(&said[3]) - s.rows).abs() <= 0.00501);
            }
        }
    }

    #[test]
    fn the_small_tree_is_read_back() {
        let mut rng = rng::rng(64, "surrogate said");
        for i in 0..200 {
            let scale = scan::scale(&mut rng);
            let level = |rng: &mut rng::Rng| if scale == Scale::Probability { rng::unit(rng) } else { scan::value(rng, scale) };
            let when: Vec<String> = (0..i % 4).map(|k| format!("x{k} < {k}.5")).collect();
            let rule = Rule { when: when.clone(), yes: i % 2 == 0, share: rng::unit(&mut rng), agrees: 0.9, mean: level(&mut rng) };
            let s = Surrogate {
                rules: vec![rule; 1 + i % 3],
                threshold: level(&mut rng),
                fidelity: rng::unit(&mut rng),
                usual: rng::unit(&mut rng),
                rows: (100, 100),
                outcome: "Revenue".into(),
                model: Fingerprint::default(),
            };
            for lang in scan::LANGS {
                let en = lang == Lang::En;
                let mut pattern = if en {
                    "A tree of {} ends decides as the model does in {} of held-out rows; always saying the usual would in {}.".to_owned()
                } else {
                    "一棵有 {} 个终点的树在 {} 的留出数据上与模型判断一致；始终按多数回答则为 {}。".to_owned()
                };
                if !when.is_empty() {
                    pattern += match (en, i % 2 == 0) {
                        (true, true) => {
                            " Its largest end: where {} ({} of the rows), the model says {} on average; the tree says yes, at or above {}."
                        }
                        (true, false) => {
                            " Its largest end: where {} ({} of the rows), the model says {} on average; the tree says no, below {}."
                        }
                        (false, true) => "其最大的终点：当 {} 时（{} 的行），模型平均输出 {}；该树判断为“是”，即不低于 {}。",
                        (false, false) => "其最大的终点：当 {} 时（{} 的行），模型平均输出 {}；该树判断为“否”，即低于 {}。",
                    };
                }
                let said = scan::must(&pattern, &surrogate(&s, scale, lang));
                assert_eq!(said[0].parse(), Ok(s.rules.len()));
                scan::is(&said[1], s.fidelity, Scale::Probability);
                scan::is(&said[2], s.usual, Scale::Probability);
                if !when.is_empty() {
                    assert_eq!(scan::items(&said[3], lang), when);
                    scan::is(&said[4], s.rules[0].share, Scale::Probability);
                    scan::is(&said[5], s.rules[0].mean, scale);
                    scan::is(&said[6], s.threshold, scale);
                }
            }
        }
    }
}
