"""One page, so that the site answers something: the books of a year."""

from bookshop.models import Book
from django.http import HttpRequest, JsonResponse
from django.urls import path


def books(request: HttpRequest, year: int) -> JsonResponse:
    found = Book.objects.filter(published__year=year).order_by("title")
    rows = [{"title": book.title, "price": str(book.price)} for book in found]
    request.session["looked_at"] = request.session.get("looked_at", 0) + 1
    return JsonResponse({"books": rows, "looked_at": request.session["looked_at"]})


urlpatterns = [path("books/<int:year>", books)]
