# Columns by kind, each with its count above it: delays, stages.
#
# Of every template: width, height (pixels), ink, faint, gridded, axis, ground (colours), bold (a font family).
# Of this one:
#   title, second       the two lines above
#   ylabel, xlabel      of the axes
#   left, right, top, bottom   margins in pixels
#   columns, most       how many, and the top of the axis
#   NAME, VALUE, TEXT, COLOUR  of each: what stands below and above it, and how high it is
#   note                what is said where there is nothing to show

place(x) = x / width
down(y) = 1 - y / height
wide = (width - left - right) / (columns > 0 ? columns : 1)
set label 1 title at screen place(20), screen down(30) left font bold.',15' textcolor rgb ink front noenhanced
set label 2 second at screen place(20), screen down(51) left font ',11' textcolor rgb faint front noenhanced
set label 3 ylabel at screen place(20), screen down(top - 18) left font ',11' textcolor rgb faint front noenhanced
set label 4 xlabel at screen place((left + width - right) / 2), screen down(height - 11) center font ',11' textcolor rgb faint front noenhanced
set label 5 note at screen place((left + width - right) / 2), screen down(height / 2) center font ',11' textcolor rgb faint front noenhanced
do for [i = 1:columns] {
    x = left + (i - 0.5) * wide
    high = VALUE[i] / most * (height - top - bottom)
    half = wide * 0.36 > 36 ? 36 : wide * 0.36
    if (high > 0) { set object i rectangle from screen place(x - half), screen bottom / height to screen place(x + half), screen (bottom + high) / height fillcolor rgb COLOUR[i] fillstyle solid 1 noborder front }
    set label 100 + i TEXT[i] at screen place(x), screen (bottom + high + 9) / height center font ',11' textcolor rgb ink front noenhanced
    set label 200 + i NAME[i] at screen place(x), screen (bottom - 12) / height center font ',11' textcolor rgb faint front noenhanced
}
set arrow 1 from screen place(left), screen bottom / height to screen place(width - right), screen bottom / height nohead linecolor rgb axis linewidth 1
unset key
unset border
unset tics
set xrange [0:1]
set yrange [0:1]
plot NaN notitle
