"""What people read: report.md, report.html, the comparison of two runs. Renders; decides nothing."""
