"""The benchmark problems: networks, fault trees and races, and the same as stories."""
