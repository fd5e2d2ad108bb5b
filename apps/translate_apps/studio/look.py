"""Colours, spacing and the few rules of style that Gradio's themes have no word for."""

from __future__ import annotations

from pathlib import Path

from gradio.themes import Base, colors, sizes

TITLE = "Translate studio"

# Fonts of the visitor's system: nothing is fetched from anywhere.
_SANS = ["system-ui", "-apple-system", "Segoe UI", "Roboto", "Helvetica Neue", "Noto Sans", "sans-serif"]
_MONO = ["ui-monospace", "SFMono-Regular", "Menlo", "Consolas", "monospace"]

# Of curves; told apart from each other and from light and dark ground.
LINES = ("#0d9488", "#d97706", "#6366f1", "#dc2626", "#65a30d", "#0284c7", "#c026d3", "#a16207", "#64748b")

_CURVES = "".join(
    f".terms label:nth-of-type({len(LINES)}n+{number}) {{ border-bottom: 3px solid {colour}; }}\n"
    for number, colour in enumerate(LINES, 1)
)

CSS = """
.gradio-container > main { max-width: 1220px; margin: 0 auto; padding: 0 24px 32px; }
#masthead { padding: 22px 4px 2px; gap: 2px; }
#masthead h1 { font-size: 1.45rem; font-weight: 650; letter-spacing: -0.01em; margin: 0; }
#masthead p { color: var(--body-text-color-subdued); margin: 2px 0 0; }
.tab-container button { font-size: 1rem; }
.tab-container button.selected { color: var(--primary-700); }
.dark .tab-container button.selected { color: var(--primary-400); }
.wrap .or, .show-api { color: var(--body-text-color-subdued) !important; }
.remark p { color: var(--body-text-color-subdued); font-size: 0.9rem; margin: 0; }
#status { min-height: 1.5rem; }
.aside { position: absolute !important; visibility: hidden; width: 100%; left: 0; }
#drawn img, .sheet img { width: 100%; height: 100%; object-fit: contain; }
#train-console textarea { font-family: var(--font-mono); font-size: 0.8rem; }
.legend { display: flex; flex-wrap: wrap; gap: 4px 14px; margin: 0; font-size: 0.9rem; }
.facts { border: 0 !important; }
.facts { width: 100%; border-collapse: separate !important; border-spacing: 0; font-size: 0.9rem; }
.facts caption { text-align: left; font-weight: 600; padding: 6px 0; }
.facts th, .facts td { border: 0 solid var(--border-color-primary) !important; }
.facts th, .facts td { border-top-width: 1px !important; padding: 5px 12px 5px 0 !important; }
.facts th, .facts td { vertical-align: top; overflow-wrap: anywhere; }
.facts th { width: 7.5rem; text-align: left; font-weight: 400 !important; }
.facts th { color: var(--body-text-color-subdued) !important; overflow-wrap: normal; }
.examples .grid-wrap { max-height: 190px; }
.tiles .grid-wrap { padding-top: 36px !important; }
footer > .divider:last-of-type { display: none; }
#run-again { align-self: end; height: 42px; }
:focus-visible { outline: 2px solid var(--color-accent); outline-offset: 2px; }
@media (max-width: 640px) {
  .gradio-container > main { padding: 0 12px 24px; }
  #masthead { padding-top: 12px; }
  .tab-container button { font-size: 0.92rem; padding: 6px 8px; }
  #result, #compare-result { height: 400px !important; }
}
@media (prefers-reduced-motion: reduce) { * { animation: none !important; transition: none !important; } }
"""
CSS += _CURVES


def head() -> str:
    """What makes the page whole for keyboards and screen readers."""
    script = Path(__file__).with_name("page.js").read_text(encoding="utf-8")
    return f'<script type="module">\n{script}</script>'


def theme() -> Base:
    """Neutral greys, one accent, the system's fonts; light and dark."""
    return Base(
        primary_hue=colors.teal,
        neutral_hue=colors.stone,
        radius_size=sizes.radius_md,
        font=_SANS,
        font_mono=_MONO,
    ).set(
        body_text_color_subdued="*neutral_500",
        block_info_text_color="*neutral_500",
        body_background_fill="*neutral_50",
        body_background_fill_dark="*neutral_950",
        block_background_fill="white",
        block_background_fill_dark="*neutral_900",
        block_border_width="1px",
        block_shadow="none",
        button_primary_background_fill="*primary_700",
        button_primary_background_fill_hover="*primary_800",
        button_primary_background_fill_dark="*primary_700",
        button_primary_background_fill_hover_dark="*primary_600",
        button_primary_text_color="white",
    )
