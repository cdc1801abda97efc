"""Intent to router configuration text, through the templates operators may edit."""
