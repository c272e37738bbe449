"""What a person reads: reports as text, JSON and Markdown, and charts; figures come from tables as they are."""
