# Prints "file line length" of every function longer than `limit` lines. Needs code in the project's format: a function
# ends with a lone brace in its own column, 0 outside classes and 2 inside; it starts at the last line of that column
# that is no brace, comment, macro or label.
FNR == 1 { in_class = 0; start0 = 0; start2 = 0 }
/^(class|struct|template)[^;]*$/ && !/\)[^{]*\{$/ { in_class = 1 }
/^};/ { in_class = 0 }
/^[A-Za-z_~\[]/ { if ($0 !~ /^(namespace|public:|private:|protected:)/ && !continued) start0 = FNR }
/^  [A-Za-z_~\[]/ { if (in_class && !continued2) start2 = FNR }
# A template or attribute line belongs to the function below it.
{ continued = /^template.*>$/ || /^  requires/ ; continued2 = /^  template.*>$/ || /^    requires/ }
/^}$/ { if (start0 && FNR - start0 + 1 > limit) print FILENAME, start0, FNR - start0 + 1; start0 = 0 }
/^  }$/ { if (in_class && start2 && FNR - start2 + 1 > limit) print FILENAME, start2, FNR - start2 + 1; start2 = 0 }
