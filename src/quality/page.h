// SPDX-License-Identifier: Apache-2.0
// Inside the room: pages of a PDF, filled from the top; text is laid out by Pango, whatever it holds.
#pragma once

#include <cairo/cairo.h>
#include <pango/pangocairo.h>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace xinglin::quality {

struct Style {
    double size = 10.5;  // points
    bool bold = false;
    PangoAlignment align = PANGO_ALIGN_LEFT;
    double red = 0.07, green = 0.14, blue = 0.18;
    double indent = 0;  // of the first line
};

/// A4 in points. Not for use by two threads at once.
class Pages {
public:
    explicit Pages(const std::string& title);
    ~Pages();
    Pages(const Pages&) = delete;

    /// False when the fonts at hand lack one of these characters.
    bool can_write(std::string_view text);
    /// Below what stands there, over the whole width; on the next page what no longer fits.
    void paragraph(std::string_view text, const Style& style, double gap_after = 6);
    void rule(double thickness, const Style& style, double gap_after = 6);
    void gap(double points) { y_ += points; }
    /// Begins a new page unless this much is left.
    void keep(double points);
    struct Column {
        double share;  // of the width
        PangoAlignment align = PANGO_ALIGN_LEFT;
    };
    void row(const std::vector<Column>& columns, const std::vector<std::string>& cells, const Style& style, bool head);
    /// The file; "" when it could not be made.
    std::string finish();

    static constexpr double width = 595.28, height = 841.89, left = 68, right = 62, top = 68, bottom = 62;

private:
    std::string bytes_;
    cairo_surface_t* surface_;
    cairo_t* cairo_;
    PangoFontMap* fonts_;
    PangoContext* context_;
    double y_ = top;
    int page_ = 1;

    struct Release {
        void operator()(PangoLayout* layout) const { g_object_unref(layout); }
    };
    using Layout = std::unique_ptr<PangoLayout, Release>;
    Layout layout_of(std::string_view text, const Style& style, double width);
    void draw(PangoLayout* layout, double x, double y, const Style& style);
    void number_page();
    void next_page();
};

}  // namespace xinglin::quality
