"""Copies are proven again, made anew when they are bad, and weighed: may this card be formatted?"""
