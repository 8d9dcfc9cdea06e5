# Bars side by side, each a stack of what became of the units: `report --graph`, counts and percent.
#
# Of every template: width, height (pixels), ink, faint, gridded, axis, ground (colours), bold (a font family).
# Of this one:
#   title, second          the two lines above
#   ylabel, xlabel         of the axes
#   left, top, bottom, legend   margins in pixels; legend is the column on the right
#   bars, most             how many bars, and the top of the axis
#   yticks, YTICK, YTEXT   where the vertical axis has labels, and which; xticks, XTICK, XTEXT the horizontal one
#   rows, brief            entries of the legend; brief: they are of one line
#   ROW_TITLE, ROW_TEXT, ROW_COLOUR   of each, from the top of the stack down
#   unsure                 1: something is not certain, and drawn pale
#   parts, PART_COLOUR, PART_SOLID    what is plotted: a block of $stack each, how solid
#   $stack                 x y x-low x-high y-low y-high, a rectangle a line, a block a part
#   note, note_x, note_y   a word in the plot, if any; cut, cut_x: the count of a bar that is cut off

n = 0
place(x) = x / width
down(y) = 1 - y / height
set label 1 title at screen place(20), screen down(30) left font bold.',15' textcolor rgb ink front noenhanced
set label 2 second at screen place(20), screen down(51) left font ',11' textcolor rgb faint front noenhanced
set label 3 ylabel at screen place(20), screen down(top - 18) left font ',11' textcolor rgb faint front noenhanced
set label 4 xlabel at screen place((left + width - legend - 24) / 2), screen down(height - 11) center font ',11' textcolor rgb faint front noenhanced
set label 5 note at screen place(note_x), screen down(note_y) center font ',11' textcolor rgb faint front noenhanced
set label 6 cut at screen place(cut_x), screen down(top - 8) center font ',11' textcolor rgb faint front noenhanced

# The legend stands beside the stack, in its order.
step = brief ? 21 : 37
do for [i = 1:rows] {
    y = top - 6 + (i - 1) * step
    x = width - legend
    set object 100 + i rectangle from screen place(x), screen down(y + 12) to screen place(x + 12), screen down(y) fillcolor rgb ROW_COLOUR[i] fillstyle solid 1 noborder front
    set label 100 + i ROW_TITLE[i] at screen place(x + 19), screen down(y + 6) left font ',12' textcolor rgb ink front noenhanced
    if (!brief) { set label 200 + i ROW_TEXT[i] at screen place(x + 19), screen down(y + 21) left font ',11' textcolor rgb faint front noenhanced }
}
if (unsure) {
    y = top - 6 + rows * step
    x = width - legend
    set object 99 rectangle from screen place(x), screen down(y + 12) to screen place(x + 12), screen down(y) fillcolor rgb unsure_colour fillstyle transparent solid 0.4 noborder front
    set label 99 'faint: not certain' at screen place(x + 19), screen down(y + 6) left font ',11' textcolor rgb faint front noenhanced
}

unset key
set border 1 linecolor rgb axis
set grid ytics back linetype 1 linecolor rgb gridded linewidth 1
set lmargin at screen place(left)
set rmargin at screen place(width - legend - 24)
set tmargin at screen down(top)
set bmargin at screen bottom / height
set xrange [-0.5:(bars > 0 ? bars : 1) - 0.5]
set yrange [0:most]
set ytics scale 0 nomirror textcolor rgb faint font ',11' ()
do for [i = 1:yticks] { set ytics add (YTEXT[i] YTICK[i]) }
unset xtics
if (xticks > 0) {
    set xtics scale 0 nomirror textcolor rgb faint font ',11' ()
    do for [i = 1:xticks] { set xtics add (XTEXT[i] XTICK[i]) }
}
if (parts > 0) {
    plot for [k = 1:parts] $stack index (k - 1) using 1:2:3:4:5:6 with boxxyerror fillcolor rgb PART_COLOUR[k] fillstyle transparent solid PART_SOLID[k] noborder, NaN notitle
} else {
    plot NaN notitle
}
