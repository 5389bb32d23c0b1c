//! The room by its labels, on a ranking with known numbers.

use std::sync::Arc;

use eframe::egui;
use egui_kittest::kittest::Queryable as _;

use super::*;
use crate::base::Fingerprint;
use crate::ml::ModelKind;
use crate::recommend::rank::Contrast;
use crate::session::Session;
use crate::session::state::{Kept, Key};
use crate::ui::views::why::tests::{explained, room};

fn ranking(n: usize) -> Ranking {
    let items = (0..n).map(|i| RankedItem {
        rank: i + 1,
        item: format!("item {i}"),
        predicted: 0.5 / (i + 1) as f64,
        impressions: 1000 + i,
        observed: (i % 2 == 0).then_some(0.25),
        features: vec![("price".into(), "high".into())],
    });
    let contrast = |feature: &str, effect| Contrast { feature: feature.into(), first: "a".into(), second: "b".into(), effect };
    Ranking {
        person: "user = 'u1'".into(),
        outcome: "click".into(),
        items: items.collect(),
        against_second: vec![contrast("price", 0.3), contrast("brand", -0.05)],
        gap: 0.0,
        reason: vec![],
        model: Fingerprint::of(b"m"),
        warnings: vec![],
    }
}

fn open(n: usize) -> (tempfile::TempDir, Session) {
    let (folder, mut session) = explained(ModelKind::Transformer, &[0.1]);
    let person = "user = 'u1'".to_owned();
    let section = RecommendSection { person: person.clone(), ..RecommendSection::default() };
    session.recipe.as_mut().unwrap().recommend = Some(section);
    let ask = Ask::Rank { model: "trees".into(), person };
    session.ranking = Some((ask, Kept { value: Arc::new(ranking(n)), key: Key::default() }));
    (folder, session)
}

#[test]
fn items_are_listed_and_the_first_is_explained() {
    for size in [[1000.0, 800.0], [420.0, 1600.0]] {
        let (_folder, session) = open(34);
        let mut h = room(RecommendView::default(), session, size);
        h.run();
        h.get_by_label("Why item 0 stands before item 1");
        h.get_by_label("Reasons for the first against the second: price: +30.0 pp; brand: −5.0 pp");
        h.get_by_label_contains("the gap of +25.0 pp");
        h.get_by_label("2. item 1: 25.0 %").click();
        h.run();
        assert_eq!(h.state().desk.session.selection.item.as_deref(), Some("item 1"));
    }
}

#[test]
fn many_items_cost_no_more() {
    let (_folder, session) = open(50_000);
    let mut h = room(RecommendView::default(), session, [1000.0, 800.0]);
    h.run();
    assert!(h.query_all_by_label_contains("item ").count() < 80, "only what is seen is drawn");
}

#[test]
fn none_and_one_item() {
    for n in [0, 1] {
        let (_folder, session) = open(n);
        let mut h = room(RecommendView::default(), session, [1000.0, 800.0]);
        h.run();
        let said = if n == 0 {
            "There is no item to rank for this person"
        } else {
            "There is only one item, so there is nothing to compare it with"
        };
        h.get_by_label(said);
    }
}

#[test]
fn a_person_is_entered() {
    let (_folder, mut session) = open(3);
    session.recipe.as_mut().unwrap().recommend = None;
    let mut h = room(RecommendView::default(), session, [1000.0, 800.0]);
    h.run();
    h.get_by_role_and_label(egui::accesskit::Role::TextInput, "Person").focus();
    h.run();
    h.get_by_role_and_label(egui::accesskit::Role::TextInput, "Person").type_text("user = 'u2'");
    h.run();
    h.key_press(egui::Key::Enter);
    h.run();
    let section = RecommendSection { person: "user = 'u2'".into(), ..RecommendSection::default() };
    assert!(h.state().asked.contains(&Action::Command(Command::SetRecommend(Some(section)))), "{:?}", h.state().asked);
}
