from django.apps import AppConfig


class AccountsConfig(AppConfig):
    name = "accounts"

    def ready(self) -> None:
        from corsheaders.signals import check_request_enabled

        from accounts.cors import may_ask

        check_request_enabled.connect(may_ask)
