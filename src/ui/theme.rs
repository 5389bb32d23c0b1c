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
    /// Stands for things without order (models, scenarios); tell apart by name too.
    pub series: [Color32; 6],
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
    series: [hex(0x0b_6b_63), hex(0xc2_57_0c), hex(0x20_6a_a8), hex(0x84_4b_9c), hex(0x8a_75_00), hex(0x6b_70_72)],
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
    series: [hex(0x55_c2_b2), hex(0xf0_8c_3e), hex(0x6a_ae_e6), hex(0xc0_92_d6), hex(0xd4_c0_4a), hex(0xa2_ab_ae)],
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
