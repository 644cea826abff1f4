from django.http import HttpRequest, HttpResponse


def runs(request: HttpRequest) -> HttpResponse:
    return HttpResponse()


run = runs
