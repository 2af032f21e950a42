require ["fileinto","variables","include","regex","relational","comparator-i;ascii-numeric","body","mime","foreverypart","extracttext","editheader","vacation","enotify","imap4flags","encoded-character","ihave","date","index","envelope","duplicate"];
set :lower :upperfirst "a" "${hex:41 42}${unicode:e4}x${1}";
if anyof (header :matches ["a", "b"] "*x?", not allof (true, false), size :over 10K) { fileinto :flags ["\\Seen"] "a.${a}"; }
elsif address :regex :domain "from" "(.*)\\.test$" { stop; } else { discard; }
foreverypart :name "l" { extracttext :first 5 "b"; if header :mime :param "x" "Content-Type" "y" { break :name "l"; } }
vacation :days 3 :subject "s" :addresses ["a@b.example"] text:
multi
..line
.
;
addheader :last "X" "a
 b"; deleteheader :index 1 :contains "X" "y";
notify :importance "1" :message "m" "mailto:a@b.example?cc=c@d.example&body=x%20y";
if ihave "nonsense" { nonsense "x"; } /* comment */ # another
addflag "f" ["\\Seen", "$x"]; keep;
