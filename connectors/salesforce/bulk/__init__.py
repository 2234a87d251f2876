"""Reading by jobs of Bulk 2.0: made, waited for, and their results had page by page."""
