# SPDX-License-Identifier: Apache-2.0
#
# Draws results.tsv of bench/compare: what an operation on 4 KiB costs by everybody, and how Cask and the peers stand to
# the floor over all sizes.
#
#   gnuplot -e "results='results.tsv'; output='plot.svg'" bench/plot.gnuplot
#
# The background is white, so that it can be read where the page around it is dark.
if (!exists ("results")) results = 'results.tsv'
if (!exists ("output")) output = 'plot.svg'

set terminal svg size 1180,1010 enhanced font 'DejaVu Sans,Arial,sans-serif,12' background '#ffffff' dashlength 1
set output output
set datafile separator "\t"
set encoding utf8

# The lines of one field, operation and size (0: any) of these entrants (a pattern for awk), names made short.
rows(field, operation, size, entrants) = sprintf ( \
  "< awk -F'\\t' -v OFS='\\t' '$1 == \"%s\" && $2 == \"%s\" && (%d == 0 || $3 == %d) && $5 ~ /%s/ " . \
  "{ sub(/, 64 a transaction/, \" ×64\", $5); sub(/, batches of 64/, \" ×64\", $5); sub(/ in flight/, \" at once\", $5); print }' '%s'", \
  field, operation, size, size, entrants, results)
# cask: blue, the floor: grey, all others: orange
paint(name) = strstrt (name, "cask") == 1 ? 0x2166ac : strstrt (name, "floor") == 1 ? 0x777777 : 0xe08214
everybody = '^(floor|floor, 2 threads|cask|cask, (1|16|256) in flight|cask, batches of 64|cask, 2 threads|plain GLib.*|libgit2.*|ostree.*|LMDB.*|SQLite.*)$'

set multiplot layout 2,2 margins 0.06,0.95,0.135,0.96 spacing 0.085,0.19
set border 3 lc rgb '#444444'
set tics nomirror textcolor rgb '#222222'
set title offset 0,-0.4 textcolor rgb '#000000'

# ---- Bars ----
set style fill solid 1 noborder
set boxwidth 0.72
set grid ytics lc rgb '#dddddd' lt 1
set xtics rotate by -50 left scale 0 font ',10'
set logscale y 10
set yrange [*:*]
set offsets 0.6,0.6,0,0
unset key

do for [what in '"put new" "get" "contains"'] {
  set title sprintf ('{/:Bold %s of 4 KiB}, µs a blob (files; log scale)', what)
  plot rows('files', what, 4096, everybody) \
         using 0:($7 / 1000):(paint (stringcolumn (5))):xtic(5) with boxes lc rgb variable, \
       '' using 0:($7 / 1000):($7 < 10000 ? sprintf ('%.1f', $7 / 1000) : sprintf ('%.0f', $7 / 1000)) \
         with labels offset 0,0.6 font ',9' textcolor rgb '#222222'
}

# ---- Sizes ----
unset offsets
set title '{/:Bold part of the floor}, one at a time, by size (files; below 1 is faster)'
set xtics norotate autojustify scale 0.5 font ',10'
set xtics ("1 KiB" 1024, "4 KiB" 4096, "16 KiB" 16384, "64 KiB" 65536, "1 MiB" 1048576, "64 MiB" 67108864)
set logscale x 2
set logscale y 2
set xrange [700:100000000]
set yrange [*:*]
set ytics ("1/64" 1./64, "1/32" 1./32, "1/16" 1./16, "1/8" 0.125, "1/4" 0.25, "1/2" 0.5, "1" 1, "2" 2, "4" 4, "8" 8, "16" 16, "32" 32, "64" 64)
set key below maxrows 2 font ',10' samplen 2 spacing 1.1
line(entrant) = '^' . entrant . '$'
plot 1 with lines lc rgb '#777777' lw 1.5 notitle, \
     rows('files', 'get', 0, line('cask')) using 3:11 with linespoints lc rgb '#2166ac' lw 2.5 pt 7 ps 0.6 title 'Cask, get', \
     rows('files', 'put new', 0, line('cask')) using 3:11 with linespoints lc rgb '#2166ac' lw 2.5 dt 2 pt 7 ps 0.6 title 'Cask, put new', \
     rows('files', 'get', 0, line('libgit2')) using 3:11 with linespoints lc rgb '#b2182b' lw 1.5 pt 5 ps 0.5 title 'libgit2, get', \
     rows('files', 'put new', 0, line('libgit2')) using 3:11 with linespoints lc rgb '#b2182b' lw 1.5 dt 2 pt 5 ps 0.5 title 'libgit2, put new', \
     rows('files', 'get', 0, line('LMDB')) using 3:11 with linespoints lc rgb '#1b7837' lw 1.5 pt 9 ps 0.5 title 'LMDB, get', \
     rows('files', 'put new', 0, line('LMDB')) using 3:11 with linespoints lc rgb '#1b7837' lw 1.5 dt 2 pt 9 ps 0.5 title 'LMDB, put new', \
     rows('files', 'get', 0, line('SQLite')) using 3:11 with linespoints lc rgb '#e08214' lw 1.5 pt 11 ps 0.5 title 'SQLite, get', \
     rows('files', 'put new', 0, line('SQLite')) using 3:11 with linespoints lc rgb '#e08214' lw 1.5 dt 2 pt 11 ps 0.5 title 'SQLite, put new'
unset multiplot
