"""Retention: schedule, review, holds, appraisal, destruction."""
