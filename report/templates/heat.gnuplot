# The hours of the week as cells, the more came the fuller.
#
# Of every template: width, height (pixels), ink, faint, gridded, axis, ground (colours), bold (a font family).
# Of this one:
#   title, second       the two lines above
#   left, right, top, bottom   margins in pixels
#   days, DAY           the rows' names, from the top down
#   hours, HOUR         the columns' names, where they have one ('' where not)
#   $cells              hour day colour: a cell a line, from 0; a colour is 0xAARRGGBB, AA how transparent
#   low, high           what the palest and the fullest cell count, as text
#   SCALE, scales       the colours between them
#   note                what is said where there is nothing to show

place(x) = x / width
down(y) = 1 - y / height
wide = (width - left - right) / hours
tall = (height - top - bottom) / days
set label 1 title at screen place(20), screen down(30) left font bold.',15' textcolor rgb ink front noenhanced
set label 2 second at screen place(20), screen down(51) left font ',11' textcolor rgb faint front noenhanced
set label 5 note at screen place(width / 2), screen down(height / 2) center font ',11' textcolor rgb faint front noenhanced
do for [i = 1:days] { set label 100 + i DAY[i] at screen place(left - 10), screen down(top + (i - 0.5) * tall) right font ',12' textcolor rgb ink front noenhanced }
do for [i = 1:hours] { set label 200 + i HOUR[i] at screen place(left + (i - 0.5) * wide), screen down(height - bottom + 14) center font ',11' textcolor rgb faint front noenhanced }
do for [i = 1:scales] { set object 300 + i rectangle from screen place(width - right - 250 + i * 16), screen down(height - 12) to screen place(width - right - 250 + i * 16 + 15), screen down(height - 26) fillcolor rgb SCALE[i] fillstyle solid 1 noborder front }
set label 301 low at screen place(width - right - 250 + 8), screen down(height - 19) right font ',11' textcolor rgb faint front noenhanced
set label 302 high at screen place(width - right - 250 + (scales + 1) * 16 + 6), screen down(height - 19) left font ',11' textcolor rgb faint front noenhanced
unset key
unset border
unset tics
set lmargin at screen place(left)
set rmargin at screen place(width - right)
set tmargin at screen down(top)
set bmargin at screen bottom / height
set xrange [0:hours]
set yrange [days:0]
plot $cells using ($1 + 0.5):($2 + 0.5):($1 + 0.03):($1 + 0.97):($2 + 0.04):($2 + 0.96):3 with boxxyerror fillcolor rgb variable fillstyle solid 1 noborder
