//! Look: colours, spacing and text sizes as tokens, for light and dark. The only file that writes a colour.
//!
//! One accent; neutral surfaces; thin rules instead of boxes; a 4-point grid; three text sizes. Signed values use one
//! diverging pair (orange up, blue down) that colour-blind people can tell apart; sequential maps are viridis, whose steps
//! look equally large; missing has its own colour.

use eframe::egui::{self, Color32, CornerRadius, FontFamily, FontId, Margin, Stroke, TextStyle, Vec2};

/// Points on the spacing grid.
pub const GRID: f32 = 4.0;
/// Space within a group: 1 grid step.
pub const TIGHT: f32 = GRID;
/// Space between neighbours: 2 grid steps.
pub const SPACE: f32 = 2.0 * GRID;
/// Space between sections: 4 grid steps.
pub const SECTION: f32 = 4.0 * GRID;
/// Captions and table cells.
pub const SMALL: f32 = 12.0;
/// Names that would not fit in one line.
pub const TINY: f32 = 10.0;
/// Everything else.
pub const BODY: f32 = 14.0;
/// Titles.
pub const TITLE: f32 = 20.0;
/// Height of a table row.
pub const ROW: f32 = 6.0 * GRID;

/// The colours of one theme.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Tokens {
    /// Whether it is the dark one.
    pub dark: bool,
    /// Rail, bars, inspector.
    pub chrome: Color32,
    /// The room in the centre.
    pub surface: Color32,
    /// Cards and fields on the surface.
    pub raised: Color32,
    /// Under the pointer.
    pub hover: Color32,
    /// Thin lines.
    pub rule: Color32,
    /// Text.
    pub text: Color32,
    /// Captions and units.
    pub weak: Color32,
    /// Disabled, grid lines, axes.
    pub faint: Color32,
    /// The one accent.
    pub accent: Color32,
    /// Behind what is selected.
    pub accent_soft: Color32,
    /// Text on the accent.
    pub on_accent: Color32,
    /// Pushes the output up.
    pub up: Color32,
    /// Pushes the output down.
    pub down: Color32,
    /// A value that is not there.
    pub missing: Color32,
    /// Look at this.
    pub warn: Color32,
    /// This went wrong.
    pub error: Color32,
    /// This holds.
    pub good: Color32,
    /// Stands for things without order (models, scenarios, policies): eight that stay apart for colour-blind people, too;
    /// lines are told apart by [`dash`] besides.
    pub series: [Color32; 8],
}

const fn hex(rgb: u32) -> Color32 {
    Color32::from_rgb((rgb >> 16) as u8, (rgb >> 8) as u8, rgb as u8)
}

/// Light.
pub const LIGHT: Tokens = Tokens {
    dark: false,
    chrome: hex(0xf4_f4_f1),
    surface: hex(0xfd_fd_fc),
    raised: hex(0xff_ff_ff),
    hover: hex(0xeb_eb_e6),
    rule: hex(0xdf_df_d9),
    text: hex(0x1c_20_22),
    weak: hex(0x5b_63_66),
    faint: hex(0xa9_af_ae),
    accent: hex(0x0b_6b_63),
    accent_soft: hex(0xd8_ec_e8),
    on_accent: hex(0xff_ff_ff),
    up: hex(0xc2_57_0c),
    down: hex(0x20_6a_a8),
    missing: hex(0xc9_c4_d4),
    warn: hex(0x9a_63_00),
    error: hex(0xb3_26_1e),
    good: hex(0x2e_6f_40),
    series: [
        hex(0x0b_6b_63),
        hex(0xe2_77_06),
        hex(0x10_00_76),
        hex(0xa1_01_f2),
        hex(0x6d_26_08),
        hex(0x99_87_cc),
        hex(0xb8_81_58),
        hex(0x24_01_0b),
    ],
};

/// Dark.
pub const DARK: Tokens = Tokens {
    dark: true,
    chrome: hex(0x17_1a_1c),
    surface: hex(0x1d_21_23),
    raised: hex(0x25_2a_2d),
    hover: hex(0x2e_34_37),
    rule: hex(0x34_3a_3e),
    text: hex(0xe6_e9_e9),
    weak: hex(0xa2_ab_ae),
    faint: hex(0x66_6f_73),
    accent: hex(0x55_c2_b2),
    accent_soft: hex(0x1f_45_41),
    on_accent: hex(0x0c_1f_1d),
    up: hex(0xf0_8c_3e),
    down: hex(0x6a_ae_e6),
    missing: hex(0x5a_55_68),
    warn: hex(0xe3_b3_41),
    error: hex(0xf2_7b_72),
    good: hex(0x7c_c0_8d),
    series: [
        hex(0x55_c2_b2),
        hex(0xd0_53_07),
        hex(0xff_d1_1c),
        hex(0xfc_73_fb),
        hex(0x40_71_91),
        hex(0xd7_fd_a0),
        hex(0x89_40_fd),
        hex(0x8c_62_4e),
    ],
};

/// Viridis in nine steps.
const VIRIDIS: [Color32; 9] = [
    hex(0x44_01_54),
    hex(0x47_2d_7b),
    hex(0x3b_52_8b),
    hex(0x2c_72_8e),
    hex(0x21_91_8c),
    hex(0x28_ae_80),
    hex(0x5e_c9_62),
    hex(0xad_dc_30),
    hex(0xfd_e7_25),
];

/// How the line of the i-th thing is broken: length of its dashes, none where it is whole.
pub fn dash(i: usize) -> Option<f32> {
    [None, Some(10.0), Some(4.0), Some(18.0)][i % 4]
}

impl Tokens {
    /// The tokens of the theme that this context shows.
    pub fn of(ctx: &egui::Context) -> &'static Self {
        if ctx.global_style().visuals.dark_mode { &DARK } else { &LIGHT }
    }

    /// The series colour of the i-th thing.
    pub fn series(&self, i: usize) -> Color32 {
        self.series[i % self.series.len()]
    }

    /// A signed value from −1 (down) over 0 (surface) to 1 (up); NaN is missing.
    pub fn diverging(&self, t: f64) -> Color32 {
        if t.is_nan() {
            return self.missing;
        }
        self.surface.lerp_to_gamma(if t < 0.0 { self.down } else { self.up }, t.abs().min(1.0) as f32)
    }

    /// An amount from 0 to 1 in even steps; low is near the background in both themes; NaN is missing.
    pub fn sequential(&self, t: f64) -> Color32 {
        if t.is_nan() {
            return self.missing;
        }
        let t = t.clamp(0.0, 1.0);
        let at = (if self.dark { t } else { 1.0 - t }) * (VIRIDIS.len() - 1) as f64;
        let low = (at.floor() as usize).min(VIRIDIS.len() - 2);
        VIRIDIS[low].lerp_to_gamma(VIRIDIS[low + 1], (at - low as f64) as f32)
    }

    /// A colour with part of its strength, for bands and stale results.
    pub fn soft(&self, colour: Color32, strength: f32) -> Color32 {
        colour.gamma_multiply(strength)
    }
}

/// Sets the style of both themes from the tokens; once, at the start.
pub fn install(ctx: &egui::Context) {
    for (theme, tokens) in [(egui::Theme::Light, &LIGHT), (egui::Theme::Dark, &DARK)] {
        ctx.style_mut_of(theme, |style| set(style, tokens));
    }
}

fn set(style: &mut egui::Style, t: &Tokens) {
    style.text_styles = [
        (TextStyle::Small, FontId::new(SMALL, FontFamily::Proportional)),
        (TextStyle::Body, FontId::new(BODY, FontFamily::Proportional)),
        (TextStyle::Button, FontId::new(BODY, FontFamily::Proportional)),
        (TextStyle::Heading, FontId::new(TITLE, FontFamily::Proportional)),
        (TextStyle::Monospace, FontId::new(SMALL, FontFamily::Monospace)),
    ]
    .into();
    style.animation_time = 0.08;
    let s = &mut style.spacing;
    s.item_spacing = Vec2::new(SPACE, 1.5 * GRID);
    s.button_padding = Vec2::new(2.5 * GRID, GRID);
    s.interact_size = Vec2::new(7.0 * GRID, 7.0 * GRID);
    s.window_margin = Margin::same(16);
    s.menu_margin = Margin::same(8);
    s.slider_rail_height = GRID;
    s.slider_width = 160.0;
    s.combo_width = 120.0;
    s.scroll = egui::style::ScrollStyle::thin();
    let v = &mut style.visuals;
    *v = if t.dark { egui::Visuals::dark() } else { egui::Visuals::light() };
    v.panel_fill = t.surface;
    v.window_fill = t.raised;
    v.window_stroke = Stroke::new(1.0, t.rule);
    v.window_corner_radius = CornerRadius::same(8);
    v.menu_corner_radius = CornerRadius::same(6);
    v.extreme_bg_color = t.raised;
    v.text_edit_bg_color = Some(t.raised);
    v.faint_bg_color = t.chrome;
    v.code_bg_color = t.chrome;
    v.hyperlink_color = t.accent;
    v.warn_fg_color = t.warn;
    v.error_fg_color = t.error;
    v.weak_text_color = Some(t.weak);
    v.selection.bg_fill = t.accent_soft;
    v.selection.stroke = Stroke::new(1.0, t.accent);
    v.slider_trailing_fill = true;
    v.striped = false;
    v.collapsing_header_frame = false;
    v.indent_has_left_vline = false;
    let corner = CornerRadius::same(5);
    let w = &mut v.widgets;
    for (widget, fill, weak, rule, text) in [
        (&mut w.noninteractive, t.surface, t.surface, t.rule, t.text),
        (&mut w.inactive, t.rule, t.raised, t.rule, t.text),
        (&mut w.hovered, t.hover, t.hover, t.faint, t.text),
        (&mut w.active, t.accent_soft, t.accent_soft, t.accent, t.text),
        (&mut w.open, t.hover, t.hover, t.faint, t.text),
    ] {
        widget.bg_fill = fill;
        widget.weak_bg_fill = weak;
        widget.bg_stroke = Stroke::new(1.0, rule);
        widget.fg_stroke = Stroke::new(1.0, text);
        widget.corner_radius = corner;
        widget.expansion = 0.0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What all see, and people without red, green and blue cones (Machado, Oliveira and Fernandes 2009, complete loss).
    const EYES: [[[f64; 3]; 3]; 4] = [
        [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]],
        [[0.152_286, 1.052_583, -0.204_868], [0.114_503, 0.786_281, 0.099_216], [-0.003_882, -0.048_116, 1.051_998]],
        [[0.367_322, 0.860_646, -0.227_968], [0.280_085, 0.672_501, 0.047_413], [-0.011_820, 0.042_940, 0.968_881]],
        [[1.255_528, -0.076_749, -0.178_779], [-0.078_411, 0.930_809, 0.147_602], [0.004_733, 0.691_367, 0.303_900]],
    ];

    fn linear(c: Color32) -> [f64; 3] {
        [c.r(), c.g(), c.b()].map(|v| {
            let v = f64::from(v) / 255.0;
            if v <= 0.040_45 { v / 12.92 } else { ((v + 0.055) / 1.055).powf(2.4) }
        })
    }

    fn lab(rgb: [f64; 3]) -> [f64; 3] {
        let dot = |w: [f64; 3]| w.iter().zip(rgb).map(|(w, c)| w * c).sum::<f64>().max(0.0);
        let f = |t: f64| if t > 0.008_856 { t.cbrt() } else { 7.787 * t + 16.0 / 116.0 };
        let (x, y, z) =
            (f(dot([0.4124, 0.3576, 0.1805]) / 0.9505), f(dot([0.2126, 0.7152, 0.0722])), f(dot([0.0193, 0.1192, 0.9505]) / 1.089));
        [116.0 * y - 16.0, 500.0 * (x - y), 200.0 * (y - z)]
    }

    #[test]
    fn eight_series_stay_apart_for_every_eye_and_from_the_background() {
        let light = |c: Color32| linear(c).iter().zip([0.2126, 0.7152, 0.0722]).map(|(c, w)| c * w).sum::<f64>();
        for t in [LIGHT, DARK] {
            for (i, a) in t.series.iter().enumerate() {
                let (x, y) = (light(*a).max(light(t.surface)), light(*a).min(light(t.surface)));
                assert!((x + 0.05) / (y + 0.05) >= 3.0, "{a:?} on the surface");
                for b in &t.series[i + 1..] {
                    for eye in EYES {
                        let seen = |c: Color32| {
                            let l = linear(c);
                            lab(eye.map(|w| w.iter().zip(l).map(|(w, c)| w * c).sum::<f64>().clamp(0.0, 1.0)))
                        };
                        let far = seen(*a).iter().zip(seen(*b)).map(|(x, y)| (x - y).powi(2)).sum::<f64>().sqrt();
                        assert!(far > 25.0, "{a:?} and {b:?} are {far:.1} apart");
                    }
                }
            }
        }
        // The report prints in the same colours.
        let printed = LIGHT.series.map(|c| format!("#{:02x}{:02x}{:02x}", c.r(), c.g(), c.b()));
        assert_eq!(printed, crate::report::chart::SERIES.map(str::to_owned));
        // Of eight lines no two that follow each other are broken alike.
        assert!((0..7).all(|i| dash(i) != dash(i + 1)));
    }
}
