"""The document of `storyodds estimate --json`, a file for each question."""

from storyodds.reports.documents.estimate.whole import summarize as summarize
