// SPDX-License-Identifier: Apache-2.0
// Writing pages with Pango and Cairo: characters are shaped by the fonts that are installed, used parts of which go into the file.
#include "quality/page.h"

#include <cairo/cairo-pdf.h>
#include <fmt/format.h>

#include <algorithm>

#include "quality/letter.h"
#include "text/text.h"

namespace xinglin::quality {

namespace {
// Where several are installed the first is taken; Pango goes on with others for what it lacks.
constexpr const char* families =
    "WenQuanYi Micro Hei, Noto Sans CJK SC, Source Han Sans SC, WenQuanYi Zen Hei, Noto Serif CJK SC, sans-serif";
constexpr double line_gap = 1.35;

cairo_status_t append(void* to, const unsigned char* data, unsigned length) {
    try {
        static_cast<std::string*>(to)->append(reinterpret_cast<const char*>(data), length);
    } catch (...) {
        return CAIRO_STATUS_NO_MEMORY;
    }
    return CAIRO_STATUS_SUCCESS;
}
}  // namespace

std::string tidy(std::string_view text, std::size_t most) {
    if (!text::is_utf8(text)) return "?";
    std::string out;
    std::size_t count = 0;
    for (std::size_t at = 0; at < text.size();) {
        const auto byte = static_cast<unsigned char>(text[at]);
        const std::size_t length = byte < 0x80 ? 1 : byte < 0xE0 ? 2 : byte < 0xF0 ? 3 : 4;
        const std::string_view one = text.substr(at, length);
        at += length;
        // Controls, and marks that turn the direction of what follows, are nothing a name needs.
        const bool is_unseen = byte < 0x20 || byte == 0x7F ||
                               (length == 2 && byte == 0xC2 && static_cast<unsigned char>(one[1]) < 0xA0) ||
                               (one >= "\u200b" && one <= "\u200f") || (one >= "\u2028" && one <= "\u202e") ||
                               (one >= "\u2066" && one <= "\u2069") || one == "\ufeff";
        if (is_unseen) {
            if (!out.empty() && out.back() != ' ') out += ' ';
            continue;
        }
        if (++count > most) return out + "…";
        out += one;
    }
    return out;
}

Pages::Pages(const std::string& title)
    : surface_(cairo_pdf_surface_create_for_stream(append, &bytes_, width, height)),
      cairo_(cairo_create(surface_)),
      fonts_(pango_cairo_font_map_new()),
      context_(pango_font_map_create_context(fonts_)) {
    cairo_pdf_surface_set_metadata(surface_, CAIRO_PDF_METADATA_TITLE, title.c_str());
    cairo_pdf_surface_set_metadata(surface_, CAIRO_PDF_METADATA_CREATOR, "Xinglin");
    pango_context_set_language(context_, pango_language_from_string("zh-cn"));
}

Pages::~Pages() {
    g_object_unref(context_);
    g_object_unref(fonts_);
    cairo_destroy(cairo_);
    cairo_surface_destroy(surface_);
}

Pages::Layout Pages::layout_of(std::string_view text, const Style& style, double width) {
    Layout layout(pango_layout_new(context_));
    PangoFontDescription* font = pango_font_description_new();
    pango_font_description_set_family(font, families);
    pango_font_description_set_absolute_size(font, style.size * PANGO_SCALE);
    if (style.bold) pango_font_description_set_weight(font, PANGO_WEIGHT_BOLD);
    pango_layout_set_font_description(layout.get(), font);
    pango_font_description_free(font);
    pango_layout_set_width(layout.get(), static_cast<int>(width * PANGO_SCALE));
    pango_layout_set_wrap(layout.get(), PANGO_WRAP_WORD_CHAR);
    pango_layout_set_alignment(layout.get(), style.align);
    pango_layout_set_line_spacing(layout.get(), static_cast<float>(line_gap));
    pango_layout_set_indent(layout.get(), static_cast<int>(style.indent * PANGO_SCALE));
    pango_layout_set_text(layout.get(), text.data(), static_cast<int>(text.size()));  // never as markup
    return layout;
}

bool Pages::can_write(std::string_view text) {
    return pango_layout_get_unknown_glyphs_count(layout_of(text, {}, 1'000).get()) == 0;
}

void Pages::draw(PangoLayout* layout, double x, double y, const Style& style) {
    cairo_set_source_rgb(cairo_, style.red, style.green, style.blue);
    cairo_move_to(cairo_, x, y);
    pango_cairo_show_layout(cairo_, layout);
}

void Pages::number_page() {
    const Style small{.size = 8, .align = PANGO_ALIGN_CENTER, .red = 0.35, .green = 0.42, .blue = 0.46};
    draw(layout_of(fmt::format("— {} —", page_), small, width - left - right).get(), left, height - bottom + 22, small);
}

void Pages::next_page() {
    number_page();
    cairo_show_page(cairo_);
    ++page_;
    y_ = top;
}

void Pages::keep(double points) {
    if (y_ + points > height - bottom && y_ > top) next_page();
}

void Pages::paragraph(std::string_view text, const Style& style, double gap_after) {
    const Layout layout = layout_of(text, style, width - left - right);
    int wide = 0, high = 0;
    pango_layout_get_pixel_size(layout.get(), &wide, &high);
    keep(high);
    draw(layout.get(), left, y_, style);
    y_ += high + gap_after;
}

void Pages::rule(double thickness, const Style& style, double gap_after) {
    cairo_set_source_rgb(cairo_, style.red, style.green, style.blue);
    cairo_set_line_width(cairo_, thickness);
    cairo_move_to(cairo_, left, y_);
    cairo_line_to(cairo_, width - right, y_);
    cairo_stroke(cairo_);
    y_ += gap_after;
}

void Pages::row(const std::vector<Column>& columns, const std::vector<std::string>& cells, const Style& style, bool head) {
    constexpr double pad = 4;
    const double whole = width - left - right;
    std::vector<Layout> layouts;
    int tallest = 0;
    for (std::size_t i = 0; i < columns.size(); ++i) {
        Style own = style;
        own.align = columns[i].align;
        layouts.push_back(layout_of(i < cells.size() ? std::string_view(cells[i]) : std::string_view(), own,
                                    whole * columns[i].share - 2 * pad));
        int wide = 0, high = 0;
        pango_layout_get_pixel_size(layouts.back().get(), &wide, &high);
        tallest = std::max(tallest, high);
    }
    const double high = tallest + 2 * pad - 1;
    keep(high);
    if (head) {
        cairo_set_source_rgb(cairo_, 0.93, 0.95, 0.96);
        cairo_rectangle(cairo_, left, y_, whole, high);
        cairo_fill(cairo_);
    }
    double x = left;
    for (std::size_t i = 0; i < columns.size(); ++i) {
        draw(layouts[i].get(), x + pad, y_ + pad - 1, style);
        x += whole * columns[i].share;
    }
    y_ += high;
    rule(0.5, {.red = 0.78, .green = 0.82, .blue = 0.84}, 0);
}

std::string Pages::finish() {
    number_page();
    cairo_show_page(cairo_);
    cairo_surface_finish(surface_);
    if (cairo_status(cairo_) != CAIRO_STATUS_SUCCESS || cairo_surface_status(surface_) != CAIRO_STATUS_SUCCESS) return "";
    return std::move(bytes_);
}

}  // namespace xinglin::quality
