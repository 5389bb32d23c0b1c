//! The room by its labels: what will be in it, what it is called, where it goes.

use eframe::egui;
use egui_kittest::kittest::Queryable as _;

use super::*;
use crate::base::Lang;
use crate::ml::ModelKind;
use crate::ui::views::why::tests::{explained, room};

const SIZE: [f32; 2] = [900.0, 800.0];

#[test]
fn a_report_is_written_as_chosen() {
    let (_folder, session) = explained(ModelKind::Gbdt, &[0.1]);
    let mut h = room(ReportView::default(), session, SIZE);
    h.run();
    h.get_by_label("Write as HTML…").click();
    h.run();
    assert!(h.state().asked.contains(&Action::ExportReport("html".into())));
    h.get_by_label("JSON").click();
    h.run();
    let only_html = |a: &Action| matches!(a, Action::Command(Command::SetReport(r)) if r.formats == ["html"]);
    assert!(h.state().asked.iter().any(only_html));
}

#[test]
fn sensitive_columns_stay_out_unless_asked_for() {
    let (_folder, session) = explained(ModelKind::Gbdt, &[0.1]);
    assert!(!session.recipe.as_ref().unwrap().report.include_sensitive);
    let mut h = room(ReportView::default(), session, SIZE);
    h.run();
    h.get_by_label("Include sensitive columns").click();
    h.run();
    let on = |a: &Action| matches!(a, Action::Command(Command::SetReport(r)) if r.include_sensitive);
    assert!(h.state().asked.iter().any(on));
}

#[test]
fn the_title_is_one_edit() {
    let (_folder, session) = explained(ModelKind::Gbdt, &[0.1]);
    let mut h = room(ReportView::default(), session, SIZE);
    h.run();
    h.get_by_role_and_label(egui::accesskit::Role::TextInput, "Title").focus();
    h.run();
    h.get_by_role_and_label(egui::accesskit::Role::TextInput, "Title").type_text("November");
    h.run();
    h.key_press(egui::Key::Enter);
    h.run();
    let edits = h.state().asked.iter().filter(|a| matches!(a, Action::Command(_))).count();
    assert_eq!(edits, 1, "one undo step");
    let titled = |a: &Action| matches!(a, Action::Command(Command::SetReport(r)) if r.title.as_deref() == Some("November"));
    assert!(h.state().asked.iter().any(titled));
}

#[test]
fn parts_of_why_are_chosen_one_by_one() {
    let (_folder, session) = explained(ModelKind::Gbdt, &[0.1]);
    let mut h = room(ReportView::default(), session, [1000.0, 1400.0]);
    h.run();
    let mut want = crate::session::recipe::ExplainSection::default();
    for (key, _, of) in PARTS {
        h.state_mut().asked.clear();
        h.get_by_label(crate::base::tr(Lang::En, key)).click();
        h.run();
        *of(&mut want) = true;
        let chosen = |a: &Action| matches!(a, Action::Command(Command::SetExplain(e)) if *e == want);
        assert!(h.state().asked.iter().any(chosen), "{key}: {:?}", h.state().asked);
    }
}

#[test]
fn it_says_where_the_report_went() {
    let (_folder, mut session) = explained(ModelKind::Gbdt, &[0.1]);
    session.report_written = Some("/somewhere/report.html".into());
    let mut h = room(ReportView::default(), session, SIZE);
    h.run();
    h.get_by_label("Written to /somewhere/report.html");
    h.get_by_label("Open the folder");
}

#[test]
fn without_a_model_it_says_what_to_do() {
    let (_folder, mut session) = crate::ui::tests::shop(10);
    session.lang = Lang::Zh;
    session.settle();
    let mut h = room(ReportView::default(), session, SIZE);
    h.run();
    h.get_by_label("转到“模型”").click();
    h.run();
    assert!(h.state().asked.contains(&Action::Go(crate::ui::Room::Models)));
}
