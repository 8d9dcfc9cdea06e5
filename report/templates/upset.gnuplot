# Which members hit together: a column each, above it how many, below it who.
#
# Of every template: width, height (pixels), ink, faint, gridded, axis, ground (colours), bold (a font family).
# Of this one:
#   title, second          the two lines above
#   left, right, top, tall, row   margins in pixels, the height of the bars and of a member's row
#   members, MEMBER, HITS, HITS_TEXT, MEMBER_COLOUR   from the top down; HITS: the share of the largest
#   columns, UNITS, UNITS_TEXT    UNITS: the share of the largest
#   FIRST, LAST            of each column: its first and last member that hits, from 1
#   dots, DOT_COLUMN, DOT_MEMBER, DOT_ON   a dot for each column and member
#   note                   what is said where there is nothing to show

place(x) = x / width
down(y) = 1 - y / height
column = columns > 0 ? (width - left - right) / columns : 30
if (column > 30) { column = 30 }
hitting = 0xd55e00
bar = 0x0072b2
across(c) = left + (c - 0.5) * column
below(m) = top + tall + 30 + (m - 0.5) * row
set label 1 title at screen place(20), screen down(30) left font bold.',15' textcolor rgb ink front noenhanced
set label 2 second at screen place(20), screen down(51) left font ',11' textcolor rgb faint front noenhanced
set label 3 note at screen place(left), screen down(top + tall / 2) left font ',11' textcolor rgb faint front noenhanced
do for [m = 1:members] {
    long = HITS[m] * 96
    if (long > 0) { set object 1000 + m rectangle from screen place(left - 16 - long), screen down(below(m) + 7) to screen place(left - 16), screen down(below(m) - 7) fillcolor rgb MEMBER_COLOUR[m] fillstyle solid 1 noborder front }
    set label 1000 + m HITS_TEXT[m] at screen place(left - 20 - long), screen down(below(m)) right font ',11' textcolor rgb faint front noenhanced
    set label 2000 + m MEMBER[m] at screen place(left - 166), screen down(below(m)) right font ',12' textcolor rgb ink front noenhanced
}
do for [c = 1:columns] {
    high = UNITS[c] * tall
    set object 2000 + c rectangle from screen place(across(c) - column * 0.32), screen down(top + tall) to screen place(across(c) + column * 0.32), screen down(top + tall - high) fillcolor rgb bar fillstyle solid 1 noborder front
    set label 3000 + c UNITS_TEXT[c] at screen place(across(c)), screen down(top + tall - high - 8) center font ',9' textcolor rgb faint front noenhanced
    if (LAST[c] > FIRST[c]) { set object 3000 + c rectangle from screen place(across(c) - 1.5), screen down(below(LAST[c])) to screen place(across(c) + 1.5), screen down(below(FIRST[c])) fillcolor rgb hitting fillstyle solid 1 noborder front }
}
do for [d = 1:dots] {
    set object 10000 + d circle at screen place(across(DOT_COLUMN[d])), screen down(below(DOT_MEMBER[d])) size screen 6 / width fillcolor rgb (DOT_ON[d] ? hitting : 0xdfe3e8) fillstyle solid 1 noborder front
}
unset key
unset border
unset tics
set xrange [0:1]
set yrange [0:1]
plot NaN notitle
